package embedded

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"natster/events"
	"natster/functions"
	"natster/internal/supervise"
)

const (
	// maxBacklog is how many bytes may wait for the clients of one account: as many as for a single connection. With
	// less, whoever floods the one server of a catalog could have its connection ended.
	maxBacklog = maxPending
	// backlogEvery is how often it is looked at. Meanwhile more may come: the process grows by some 600 MB, what Go has
	// not collected yet among them, as measure unread of make bench shows.
	backlogEvery = 50 * time.Millisecond
)

// A backlog bounds what the server holds for the clients of each account that do not read what comes. The server itself
// only bounds each connection, and cannot do that tightly: the functions must not be cut off when an account floods
// them, which they are with a small maxPending.
type backlog struct {
	cancel context.CancelFunc
	ended  sync.WaitGroup
}

// watch ends connections of accounts for which too much waits, until stop. The functions' accounts and the world's own,
// which all accounts need, and which read what comes, are spared.
func (b *backlog) watch(w *World, fns []functions.Function) {
	spared := make(map[string]bool)
	own := w.keeper.WellKnown()
	for _, a := range []events.Account{own.System, own.Global, own.Data, own.Feed, own.Hub} {
		spared[a.String()] = true
	}
	for _, f := range fns {
		if a, err := w.keeper.FunctionAccount(f.Name); err == nil {
			spared[a.String()] = true
		}
	}
	var ctx context.Context
	ctx, b.cancel = context.WithCancel(context.Background())
	b.ended.Go(func() {
		supervise.Run(ctx, supervise.Config{Logger: w.config.Logger}, func(ctx context.Context, _ func()) error {
			tick := time.NewTicker(backlogEvery)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return nil
				case <-tick.C:
					shorten(w.running(), spared, w.config.Logger)
				}
			}
		})
	})
}

// stop ends the watch and returns when it has ended.
func (b *backlog) stop() {
	if b.cancel != nil {
		b.cancel()
		b.ended.Wait()
	}
}

// shorten ends connections, those for which most waits first, until no account has more than maxBacklog.
func shorten(s *server.Server, spared map[string]bool, log *slog.Logger) {
	all, err := s.Connz(&server.ConnzOptions{Sort: server.ByPending, Username: true, Limit: 1 << 20})
	if err != nil {
		log.Debug("connections could not be looked at", "err", err)
		return
	}
	waits := make(map[string]int)
	for _, c := range all.Conns {
		if !spared[c.Account] {
			waits[c.Account] += c.Pending
		}
	}
	for _, c := range all.Conns {
		if waits[c.Account] <= maxBacklog {
			continue
		}
		waits[c.Account] -= c.Pending
		log.Warn("a connection was ended: too much waits for its account, which does not read", "account", c.Account,
			"connection", c.Cid, "bytes", c.Pending)
		_ = s.DisconnectClientByID(c.Cid) // it may be gone already
	}
}
