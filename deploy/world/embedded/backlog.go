package embedded

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"natster/events"
	"natster/functions"
	"natster/internal/backoff"
	"natster/internal/supervise"
)

const (
	// maxBacklog is how many bytes may wait for the clients of one account: as many as for a single connection. With
	// less, whoever floods the one server of a catalog could have its connection ended.
	maxBacklog = maxPending
	// maxStuck is how many may wait for those of an account's clients that take nothing at all, if it is more than one.
	maxStuck = 24 << 20
	// smallBacklog is what may wait for a connection however much waits for others of its account.
	smallBacklog = 256 << 10
	// backlogEvery is how long after a look comes the next, or lookShare times as long as the look took. Meanwhile more
	// may come.
	backlogEvery = 50 * time.Millisecond
	lookShare    = 4
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
			var last map[uint64]lookedAt
			for pause := backlogEvery; backoff.Sleep(ctx, pause) == nil; {
				began := time.Now()
				last = shorten(w.running(), spared, last, w.config.Logger)
				pause = max(backlogEvery, lookShare*time.Since(began))
			}
			return nil
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

// lookedAt is what is kept of a look at a connection for which more than a little waits.
type lookedAt struct {
	account string
	written int64 // bytes that it has taken, about
	stuck   int   // looks since it has last taken any
	ended   bool  // the server still holds what waits: until its last write fails, after writeDeadline at the latest
}

// waiting is what waits for the connections of an account, in bytes.
type waiting struct{ open, ended, stuck, stuckConns int }

// stuckAfter is after how many looks, one after the other, a connection that has taken nothing counts as stuck.
const stuckAfter = 2

// shorten ends connections of accounts for which too much waits: those that are stuck, if it is more than one and more
// than maxStuck waits for them, or, if more than maxBacklog waits in all, those for which most does, until a quarter of
// that is left. It is told what the last look saw, and returns what this one did.
func shorten(
	s *server.Server, spared map[string]bool, last map[uint64]lookedAt, log *slog.Logger,
) map[uint64]lookedAt {
	all, err := s.Connz(&server.ConnzOptions{Sort: server.ByPending, Limit: 1 << 20})
	if err != nil {
		log.Debug("connections could not be looked at", "err", err)
		return last
	}
	seen, accounts := make(map[uint64]lookedAt), make(map[string]waiting)
	for _, c := range all.Conns {
		if c.Pending <= smallBacklog {
			break
		}
		now := lookedAt{written: c.OutBytes - int64(c.Pending)}
		before, is := last[c.Cid]
		if is {
			now.account, now.ended = before.account, before.ended
		} else {
			now.account = accountOf(s, c.Cid)
		}
		if is && now.written <= before.written {
			now.stuck = before.stuck + 1
		}
		seen[c.Cid] = now
		a := accounts[now.account]
		if now.ended {
			a.ended += c.Pending
		} else {
			a.open += c.Pending
			if now.stuck >= stuckAfter {
				a.stuck += c.Pending
				a.stuckConns++
			}
		}
		accounts[now.account] = a
	}
	left := make(map[string]int)
	for name, a := range accounts {
		left[name] = a.open
	}
	for _, c := range all.Conns {
		now, is := seen[c.Cid]
		if !is || now.ended || spared[now.account] {
			continue
		}
		a := accounts[now.account]
		stuck := a.stuckConns > 1 && a.stuck > maxStuck && now.stuck >= stuckAfter
		most := a.open+a.ended > maxBacklog && left[now.account] > max(0, maxBacklog-a.ended)/4
		if !stuck && !most {
			continue
		}
		left[now.account] -= c.Pending
		now.ended = true
		seen[c.Cid] = now
		log.Warn("a connection was ended: too much waits for its account, which does not read", "account", now.account,
			"connection", c.Cid, "bytes", c.Pending)
		_ = s.DisconnectClientByID(c.Cid) // it may be gone already
	}
	return seen
}

// accountOf is the account of a connection, or empty if it is gone. The server verifies the user's token to say so,
// which is why this is not asked of all.
func accountOf(s *server.Server, cid uint64) string {
	one, err := s.Connz(&server.ConnzOptions{CID: cid, Username: true})
	if err != nil || len(one.Conns) != 1 {
		return ""
	}
	return one.Conns[0].Account
}
