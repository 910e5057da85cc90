package server

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/nats-io/nats.go/micro"

	"natster/events"
	"natster/functions/api"
	"natster/internal/supervise"
)

// A request is what a handler gets: who asks, as NATS says, about which catalog, and the body.
type request struct {
	caller  events.Account // zero: the own account
	library Library
	body    []byte
}

// edge is the share that the caller needs.
func (r request) edge() edge { return edge{r.library.Name(), r.caller} }

// A handler returns the data of the reply, or why not. What is to happen after the reply is sent goes into then.
type handler func(ctx context.Context, r request) (data any, then func(), err error)

// errNotServed answers what comes too late.
var errNotServed = api.Errorf(api.ErrUnavailable, "the catalog is not served any more")

// answer runs h for m, which was admitted, and replies, whatever happens.
func (s *Server) answer(ctx context.Context, m micro.Request, x *served, r request, h handler) {
	if !x.gate.enter() {
		s.reply(m.Subject(), m.Reply(), nil, errNotServed)
		return
	}
	defer x.gate.exit()
	data, then, err := s.handle(ctx, r, h)
	s.reply(m.Subject(), m.Reply(), data, err)
	if then != nil {
		then()
	}
}

func (s *Server) handle(ctx context.Context, r request, h handler) (data any, then func(), err error) {
	defer supervise.Contain(s.log, &err)
	if ctx.Err() != nil {
		return nil, nil, errNotServed
	}
	if !r.caller.IsZero() { // the inbox, which has no library, is asked by the own account alone
		if err := s.shares.allows(r.edge()); err != nil { // it may have been taken back while the request waited
			return nil, nil, err
		}
	}
	return h(ctx, r)
}

func (s *Server) reply(subject, to string, data any, err error) {
	if err != nil {
		if _, internal := api.Refusal(err); internal {
			s.log.Error("a request failed", "subject", subject, "err", err)
		} else {
			s.log.Debug("a request was refused", "subject", subject, "err", err)
		}
	}
	if err := api.Reply(s.nc, to, nil, data, err); err != nil {
		s.log.Warn("a reply was not sent", "subject", subject, "err", err)
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

// A gate lets requests in until it is closed.
type gate struct {
	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

// enter reports whether a request may begin. If so, exit is to be called at its end.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.running.Add(1)
	}
	return !g.closed
}

func (g *gate) exit() { g.running.Done() }

// close returns when the requests that were let in have been answered.
func (g *gate) close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.running.Wait()
}
