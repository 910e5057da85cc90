package server

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions/api"
)

// An edge is one of this account's catalogs shared with another account.
type edge struct {
	catalog events.Catalog
	to      events.Account
}

// A shareTable is who may read what, as far as this server knows. It hears of changes at once and looks at the whole
// now and then; when it could not look for too long, only the own account may.
type shareTable struct {
	owner  events.Account
	source Shares
	every  time.Duration
	maxAge time.Duration
	log    *slog.Logger
	wake   chan struct{} // readable: look at the whole now

	patience time.Duration // with the question how far the log is
	said     bool          // a function has said that before; for the one goroutine that looks

	mu        sync.RWMutex
	allowed   map[edge]bool
	confirmed time.Time     // when the last look at the whole began; zero: never
	observed  uint64        // the highest position heard of
	floor     uint64        // the position that the last look reflects at least: older news is stale
	heard     map[edge]news // since the last look that succeeded began, the newest of each edge
	barred    map[edge]bar  // refused whatever the rest says, because this account said so itself
	look      int           // counts the looks
}

// news is one change, at its position in the event log; 0 is unknown.
type news struct {
	edge     edge
	shared   bool
	position uint64
	look     int // the last look that began before it was heard
}

func newShareTable(owner events.Account, source Shares, l Limits, log *slog.Logger) *shareTable {
	return &shareTable{
		owner: owner, source: source, every: l.SharesRefresh, maxAge: l.SharesMaxAge, log: log,
		patience: positionTimeout, wake: make(chan struct{}, 1), allowed: make(map[edge]bool),
		heard: make(map[edge]news), barred: make(map[edge]bar),
	}
}

// allows returns nil when the catalog is shared with the account or the own account's, and the refusal otherwise.
func (v *shareTable) allows(e edge) error {
	v.mu.RLock()
	defer v.mu.RUnlock()
	switch {
	case e.to.IsZero():
		return nil
	case v.confirmed.IsZero() || time.Since(v.confirmed) > v.maxAge:
		return api.Errorf(api.ErrUnavailable, "whom %s is shared with cannot be confirmed now", e.catalog)
	case !v.allowed[e] || v.isBarred(e):
		return api.Errorf(api.ErrForbidden, "%s is not shared with you", e.catalog)
	}
	return nil
}

// hear takes in one change. The feed may repeat itself, so what is older than what is known changes nothing.
func (v *shareTable) hear(n news) {
	v.source.Observe(n.position)
	v.mu.Lock()
	defer v.mu.Unlock()
	if n.position > 0 && (n.position <= v.floor || n.position < v.heard[n.edge].position) {
		return
	}
	n.look = v.look
	v.observed = max(v.observed, n.position)
	v.heard[n.edge] = n
	v.apply(n)
}

func (v *shareTable) apply(n news) {
	if n.shared {
		v.allowed[n.edge] = true
		v.sharedAgain(n.edge, n.position)
		return
	}
	delete(v.allowed, n.edge)
}

// kick makes followShares look at the whole now.
func (v *shareTable) kick() { signal(v.wake, struct{}{}) }

// followShares looks at all shares again and again until ctx is done, and each time ends what is not shared any more.
func (s *Server) followShares(ctx context.Context) error {
	v := s.shares
	tick := time.NewTimer(v.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-v.wake:
		case <-tick.C:
		}
		took := v.refresh(ctx)
		s.endUnshared()
		// A table of very many shares is costly to look at: a tenth of the time is enough, as long as it stays young.
		tick.Reset(min(max(v.every, 10*took), v.maxAge/2))
	}
}

// refresh looks at the whole, and returns how long that took.
func (v *shareTable) refresh(ctx context.Context) time.Duration {
	began := time.Now()
	v.mu.Lock()
	floor := v.observed
	v.look++
	v.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, max(min(v.maxAge/3, 30*time.Second), time.Second))
	defer cancel()
	reached, err := v.lastPosition(ctx)
	floor = max(floor, reached)
	var list []api.Share
	if err == nil {
		list, err = v.source.Shares(ctx)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil || time.Since(began) > time.Second {
			v.log.Warn("the shares could not be confirmed", "err", err, "last", v.confirmed)
		}
		return time.Since(began)
	}
	v.allowed = make(map[edge]bool, len(list))
	for _, s := range list {
		if s.From == v.owner {
			v.allowed[edge{s.Catalog, s.To}] = true
		}
	}
	for e, n := range v.heard {
		if n.look == v.look { // while we looked
			v.apply(n)
		} else {
			delete(v.heard, e)
		}
	}
	v.settle(began, floor)
	v.confirmed, v.floor = began, floor
	return time.Since(began)
}

// hearShares subscribes to the feed's news of shares; one subscription, so that they come in order.
func (s *Server) hearShares() (*nats.Subscription, error) {
	sub, err := s.nc.Subscribe(events.NewsLocal, func(m *nats.Msg) {
		shared := m.Subject == events.FeedLocal(events.FeedShared)
		if !shared && m.Subject != events.FeedLocal(events.FeedUnshared) {
			return
		}
		var n api.ShareNews
		if err := json.Unmarshal(m.Data, &n); err != nil {
			s.log.Warn("news of a share cannot be read", "err", err)
			s.shares.kick()
			return
		}
		if n.From != s.account {
			return
		}
		s.shares.hear(news{edge: edge{n.Catalog, n.To}, shared: shared, position: n.Position})
		if !shared {
			s.endUnshared()
		}
	})
	if err != nil {
		return nil, fmt.Errorf("subscribe to news of shares: %w", err)
	}
	return sub, nil
}
