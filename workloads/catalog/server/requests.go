package server

import (
	"context"
	"encoding/json"

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

// answer runs h for m and replies, whatever happens.
func (s *Server) answer(ctx context.Context, m micro.Request, l Library, h handler) {
	s.gate.RLock()
	defer s.gate.RUnlock()
	data, then, err := s.handle(ctx, m, l, h)
	s.reply(m, data, err)
	if then != nil {
		then()
	}
}

// maxRequest is the largest request that is read, in bytes.
const maxRequest = 64 << 10

func (s *Server) handle(ctx context.Context, m micro.Request, l Library, h handler) (data any, then func(), err error) {
	defer supervise.Contain(s.log, &err)
	if ctx.Err() != nil {
		return nil, nil, api.Errorf(api.ErrUnavailable, "the catalog is not served any more")
	}
	if len(m.Data()) > maxRequest {
		return nil, nil, api.Errorf(api.ErrBadRequest, "the request is %d bytes long; %d is the most",
			len(m.Data()), maxRequest)
	}
	caller, _, err := events.Caller(m.Subject())
	if err != nil {
		return nil, nil, api.Errorf(api.ErrBadRequest, "%v", err)
	}
	r := request{caller: caller, library: l, body: m.Data()}
	if !caller.IsZero() { // the inbox, which has no library, is asked by the own account alone
		if err := s.shares.allows(r.edge()); err != nil {
			return nil, nil, err
		}
	}
	return h(ctx, r)
}

func (s *Server) reply(m micro.Request, data any, err error) {
	if err != nil {
		if _, internal := api.Refusal(err); internal {
			s.log.Error("a request failed", "subject", m.Subject(), "err", err)
		} else {
			s.log.Debug("a request was refused", "subject", m.Subject(), "err", err)
		}
	}
	if err := api.Reply(s.nc, m.Reply(), nil, data, err); err != nil {
		s.log.Warn("a reply was not sent", "subject", m.Subject(), "err", err)
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
