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
	since    time.Time
	look     int    // the last look that began before
	position uint64 // of the event, as this account says; 0: it has not said yet
}

// isBarred reports whether the owner has barred e itself. The lock is held.
func (v *shareTable) isBarred(e edge) bool {
	_, barred := v.barred[e]
	return barred
}

// bar refuses e from now on, until a later look sees that it is not shared, or reflects the position at which it was
// taken back, the feed says that it was shared after that, or for barFor. The position, 0 if it is not known yet, is
// believed of this edge alone.
func (v *shareTable) bar(e edge, position uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if known := max(v.floor, v.heard[e].position); position > 0 && position <= known {
		delete(v.barred, e) // it may have been given again since
		return
	}
	v.barred[e] = bar{time.Now(), v.look, position}
}

// sharedAgain ends the bar of e, if it was shared at that position, after it was taken back. The lock is held.
func (v *shareTable) sharedAgain(e edge, position uint64) {
	if b := v.barred[e]; b.position > 0 && position > b.position {
		delete(v.barred, e)
	}
}

// settle ends the bars that a look has made needless, which began then, reflects that position, and whose result is in
// allowed. The lock is held.
func (v *shareTable) settle(began time.Time, reflects uint64) {
	for e, b := range v.barred {
		known := b.position > 0 && reflects >= b.position
		if b.look < v.look && (!v.allowed[e] || known || began.Sub(b.since) > barFor) {
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
	s.shares.bar(edge{q.Catalog, q.Target}, q.Position)
	s.shares.kick()
	s.endUnshared()
	return nil
}
