package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog"
)

// A request is what a handler gets: who asks, as NATS says, about which catalog, and the body.
type request struct {
	caller  events.Account // zero: the own account
	library Library
	body    []byte
}

// receiver is the account that would get the media.
func (r request) receiver(own events.Account) events.Account {
	if r.caller.IsZero() {
		return own
	}
	return r.caller
}

// A handler returns the data of the reply, or why not. What is to happen after the reply is sent goes into then.
type handler func(ctx context.Context, r request) (data any, then func(), err error)

// subscribe binds every subject. Handlers that start something leave it in wg.
func (s *Server) subscribe(ctx context.Context, wg *sync.WaitGroup) (subs []*nats.Subscription, err error) {
	add := func(subject, queue string, h func(*nats.Msg)) {
		if err != nil {
			return
		}
		sub, e := s.nc.QueueSubscribe(subject, queue, h)
		if e == nil {
			e = sub.SetPendingLimits(1<<14, 8<<20) // requests are small; a flood of them must not fill the memory
		}
		if sub != nil {
			subs = append(subs, sub)
		}
		if e != nil {
			err = fmt.Errorf("subscribe %s: %w", subject, e)
		}
	}
	verbs := map[string]handler{
		events.VerbGet:      s.get,
		events.VerbDownload: func(ctx context.Context, r request) (any, func(), error) { return s.download(ctx, wg, r) },
		events.VerbFetch:    s.fetch,
		events.VerbClose:    s.close,
	}
	for _, l := range s.catalogs {
		for verb, h := range verbs {
			serve := func(m *nats.Msg) { s.answer(ctx, m, l, h) }
			queue := "natster-catalog-" + l.Name().String()
			add(events.CatalogSubject(l.Name(), verb), queue, serve)
			add(events.CatalogService(l.Name(), verb), queue, serve)
			if verb == events.VerbFetch || verb == events.VerbClose { // of a session, which no other server has
				own := catalog.AtInstance(verb, s.instance)
				add(events.CatalogSubject(l.Name(), own), queue, serve)
				add(events.CatalogService(l.Name(), own), queue, serve)
			}
		}
	}
	add(events.LocalInbox, "natster-inbox", func(m *nats.Msg) { s.answer(ctx, m, s.catalogs[0], s.inbox) })
	if err == nil {
		err = s.nc.Flush() // the server knows the subjects: whoever waits for Ready is heard
	}
	return subs, err
}

// answer runs h for m and replies, whatever happens.
func (s *Server) answer(ctx context.Context, m *nats.Msg, l Library, h handler) {
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.stopping {
		s.reply(m, nil, api.Errorf(api.ErrUnavailable, "the catalog server stops"))
		return
	}
	data, then, err := s.handle(ctx, m, l, h)
	s.reply(m, data, err)
	if then != nil {
		then()
	}
}

func (s *Server) handle(ctx context.Context, m *nats.Msg, l Library, h handler) (data any, then func(), err error) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("a request panicked", "subject", m.Subject, "panic", p, "stack", string(debug.Stack()))
			data, then, err = nil, nil, api.Errorf(api.ErrInternal, "internal error")
		}
	}()
	if len(m.Data) > api.MaxRequest {
		return nil, nil, api.Errorf(api.ErrBadRequest, "the request is %d bytes long; %d is the most", len(m.Data), api.MaxRequest)
	}
	caller, _, err := events.Caller(m.Subject)
	if err != nil {
		return nil, nil, api.Errorf(api.ErrBadRequest, "%v", err)
	}
	r := request{caller: caller, library: l, body: m.Data}
	if !caller.IsZero() {
		if err := s.shares.allows(edge{l.Name(), caller}); err != nil {
			return nil, nil, err
		}
	}
	return h(ctx, r)
}

func (s *Server) reply(m *nats.Msg, data any, err error) {
	if m.Reply == "" {
		return
	}
	if err != nil {
		if _, internal := api.Refusal(err); internal {
			s.log.Error("a request failed", "subject", m.Subject, "error", err)
		} else {
			s.log.Debug("a request was refused", "subject", m.Subject, "reason", err)
		}
	}
	body := api.EncodeReply(data, err)
	err = s.nc.Publish(m.Reply, body)
	if errors.Is(err, nats.ErrMaxPayload) {
		s.log.Error("a reply does not fit into a message", "subject", m.Subject, "bytes", len(body))
		err = s.nc.Publish(m.Reply, api.EncodeReply(nil, api.Errorf(api.ErrInternal, "the reply of %d bytes does not fit into a message", len(body))))
	}
	if err != nil {
		s.log.Warn("a reply was not sent", "subject", m.Subject, "error", err)
	}
}

// decode reads a request's JSON body; what it cannot read is a bad request.
func decode[T any](body []byte) (T, error) {
	var q T
	if err := json.Unmarshal(body, &q); err != nil {
		return q, api.Errorf(api.ErrBadRequest, "the request cannot be read: %v", err)
	}
	return q, nil
}
