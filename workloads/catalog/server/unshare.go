package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions/api"
	"natster/internal/supervise"
	"natster/workloads/catalog"
)

// barFor is how long an account is refused that the owner is about to take a share back from, if the event log never
// says so: longer than a command waits for the log.
const barFor = time.Minute

// A bar refuses one edge since the owner said that it is about to take the share back.
type bar struct {
	since time.Time
	look  int // the last look that began before
}

// isBarred reports whether the owner has barred e itself. The lock is held.
func (v *shareTable) isBarred(e edge) bool {
	_, barred := v.barred[e]
	return barred
}

// bar refuses e from now on, until a look that is settled sees that it is not shared, the position at which the share
// was taken back is known, or nothing of it was heard for barFor.
func (v *shareTable) bar(e edge) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.barred[e] = bar{time.Now(), v.look}
}

// takenBack is the news that the share was taken back at that position; the feed will say so, too. What is known
// otherwise decides from now on: it may have been given again since.
func (v *shareTable) takenBack(e edge, position uint64) {
	v.hear(news{edge: e, position: position})
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.barred, e)
}

// settle ends the bars that a look, which began then and whose result is in allowed, has made needless. The lock is
// held.
func (v *shareTable) settle(began time.Time) {
	for e, b := range v.barred {
		if b.look < v.look && (!v.allowed[e] || began.Sub(b.since) > barFor) {
			delete(v.barred, e)
		}
	}
}

// positionTimeout bounds the question how far the log is: [shareTable.patience].
const positionTimeout = 5 * time.Second

// lastPosition asks how far the log is, and makes the source reflect at least that. Where no function can say, it is
// 0, and the source is believed as it is; an original world may also not answer.
func (v *shareTable) lastPosition(ctx context.Context) (uint64, error) {
	p, ok := v.source.(Positioner)
	if !ok {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, v.patience)
	defer cancel()
	at, err := p.LastPosition(ctx)
	switch {
	case err == nil:
		v.said = true
		v.source.Observe(at)
		return at, nil
	case errors.Is(err, nats.ErrNoResponders), !v.said && ctx.Err() != nil:
		return 0, nil
	}
	return 0, fmt.Errorf("how far the event log is: %w", err)
}

// hearUnshares subscribes to what this account says of shares that it takes back. Every server of the account hears it,
// and no other account can say it: the subject is in no export.
func (s *Server) hearUnshares() (*nats.Subscription, error) {
	sub, err := s.nc.Subscribe(events.LocalUnshare, func(m *nats.Msg) {
		err := s.unshare(m.Data)
		if err != nil {
			s.log.Warn("what was said of a share that is taken back cannot be read", "err", err)
		}
		if m.Reply == "" {
			return
		}
		if err := api.Reply(s.nc, m.Reply, nil, api.None{}, err); err != nil {
			s.log.Warn("a reply was not sent", "subject", m.Subject, "err", err)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("subscribe to shares that are taken back: %w", err)
	}
	return sub, nil
}

// unshare refuses whom the body names, and ends its sessions. It returns when nothing more is sent to it.
func (s *Server) unshare(body []byte) (err error) {
	defer supervise.Contain(s.log, &err)
	var q catalog.UnshareRequest
	if err := json.Unmarshal(body, &q); err != nil {
		return api.Errorf(api.ErrBadRequest, "the request cannot be read: %v", err)
	}
	if q.Catalog.IsZero() || q.Target.IsZero() {
		return api.Errorf(api.ErrBadRequest, "a catalog and an account are to be named")
	}
	e := edge{q.Catalog, q.Target}
	if q.Position == 0 {
		s.shares.bar(e)
	} else {
		s.shares.takenBack(e, q.Position)
	}
	s.endUnshared()
	return nil
}
