package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions/api"
	"natster/internal/test/logtest"
)

// hub compares what a heartbeat costs the heartbeating side when its catalog is shared with 100,000 accounts and with
// 10: a message that wants no reply, until the server has it. Between two heartbeats the feed tells everybody: that is
// the feed's work, not the heartbeating side's.
func hub(ctx context.Context, l *lab) (_ []Result, err error) {
	few, many, n := 10, 100_000, 15
	if l.quick {
		many, n = 2_000, 5
	}
	w, err := startWorld(ctx, l, "hub")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.stop()) }()
	nc, err := w.admin(ctx)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	creds, err := w.keeper.Owner(ctx, w.info.Feed)
	if err != nil {
		return nil, err
	}
	feed, err := w.info.Connect(ctx, creds)
	if err != nil {
		return nil, err
	}
	defer feed.Close()
	var samples [2][]time.Duration
	var beats [2]func() error
	for i, shares := range []int{few, many} {
		owner, err := w.person(ctx, fmt.Sprint("owner", shares))
		if err != nil {
			return nil, err
		}
		defer owner.nc.Close()
		catalog := logtest.Catalog(fmt.Sprint("catalog", i))
		if err := fill(ctx, nc, sharedWith(owner.key, catalog, shares)); err != nil {
			return nil, err
		}
		wait, err := w.audience(feed, catalog)
		if err != nil {
			return nil, err
		}
		h := api.Heartbeat{Catalog: catalog, Account: owner.key, Revision: 1}
		beats[i] = func() error {
			told := wait(shares)
			start := time.Now()
			if err := errors.Join(owner.client.Heartbeat(h), owner.nc.Flush()); err != nil {
				return err
			}
			samples[i] = append(samples[i], time.Since(start))
			select {
			case <-told:
				return nil
			case <-time.After(time.Minute):
				return errors.New("the feed did not tell everybody")
			}
		}
	}
	rounds, err := interleaved(n, beats[0], beats[1])
	if err != nil {
		return nil, err
	}
	a, b := median(samples[0]), median(samples[1])
	return []Result{{
		Measure: fmt.Sprintf("heartbeat, to its sender: %d shares against %d (all told after %s)", many, few,
			brief(rounds[1])),
		Got: brief(b), Floor: brief(a),
		Ratio: ratio(b, a), Target: 1.5, AtMost: true,
	}}, nil
}

// audience returns a function that tells when so many accounts have heard the catalog's next heartbeat.
func (w *benchWorld) audience(nc *nats.Conn, catalog events.Catalog) (func(int) <-chan struct{}, error) {
	var left atomic.Int64
	told := make(chan struct{}, 1)
	mark := []byte(`"` + catalog.String() + `"`)
	sub, err := nc.Subscribe(events.GlobalEventsExport, func(m *nats.Msg) {
		if bytes.Contains(m.Data, mark) && left.Add(-1) == 0 {
			told <- struct{}{}
		}
	})
	if err != nil {
		return nil, err
	}
	return func(n int) <-chan struct{} {
		left.Store(int64(n))
		return told
	}, errors.Join(sub.SetPendingLimits(-1, -1), nc.Flush())
}

// sharedWith is the log of a catalog that is shared with n accounts.
func sharedWith(owner events.Account, c events.Catalog, n int) iter.Seq[events.Event] {
	return func(yield func(events.Event) bool) {
		for i := range n {
			e := events.Event{ID: fmt.Sprint("share", i), Time: logtest.Begin, Type: events.Shared, Origin: owner,
				Target: logtest.Account(i), Catalog: c}
			if !yield(e) {
				return
			}
		}
	}
}
