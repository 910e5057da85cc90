package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"natster/deploy/world"
	"natster/events"
	"natster/functions"
	"natster/functions/projection"
	"natster/functions/view"
	"natster/internal/jet"
	"natster/internal/test/logtest"
)

// growth compares the cost of one event, from the request until every projection reflects it, in a log of a million
// events with that in one of a thousand.
func growth(ctx context.Context, l *lab) (_ []Result, err error) {
	few, many := 1_000, 1_000_000
	if l.quick {
		many = 20_000
	}
	n := 1500
	if l.quick {
		n = 50
	}
	var cost [2]func() error
	for i, size := range []int{few, many} {
		w, err := startWorld(ctx, l, fmt.Sprint("growth", size))
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, w.stop()) }()
		nc, err := w.admin(ctx)
		if err != nil {
			return nil, err
		}
		defer nc.Close()
		if err := fill(ctx, nc, logtest.Shape{Events: size, Accounts: size / 5, Seed: 1}.Log()); err != nil {
			return nil, err
		}
		alice, err := w.person(ctx, "alice")
		if err != nil {
			return nil, err
		}
		defer alice.nc.Close()
		direct, err := jet.NewDirect(nc, jet.Own)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, direct.Close()) }()
		views := view.NewReader(direct)
		next := 0
		cost[i] = func() error {
			next++
			films := logtest.Catalog(fmt.Sprint("filmsOfAlice", next/100))
			if err := alice.client.Share(ctx, films, logtest.Account(next%100)); err != nil {
				return err
			}
			return projection.Settle(ctx, views, alice.client.Position(), view.Projections()...)
		}
		if err := cost[i](); err != nil { // settled, and the catalog's name is claimed
			return nil, err
		}
	}
	medians, err := interleaved(n, cost[0], cost[1])
	if err != nil {
		return nil, err
	}
	return []Result{{
		Measure: fmt.Sprintf("an event, put and projected: log of %d against %d", many, few),
		Got:     brief(medians[1]), Floor: brief(medians[0]),
		Ratio: ratio(medians[1], medians[0]), Target: 1.2, AtMost: true,
	}}, nil
}

// fill appends the events to the world's log, as fast as it is synced, and brings every function up to date.
func fill(ctx context.Context, nc *nats.Conn, log iter.Seq[events.Event]) error {
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(time.Minute))
	if err != nil {
		return err
	}
	const batch = 1000 // the most that one atomic publish takes
	msgs := make([]*nats.Msg, 0, batch)
	var last uint64
	flush := func() error {
		if len(msgs) == 0 {
			return nil
		}
		last, err = publishAtomic(ctx, js, msgs)
		msgs = msgs[:0]
		return err
	}
	for e := range log {
		m, err := events.Encode(e)
		if err != nil {
			return err
		}
		m.Header.Del(nats.MsgIdHdr) // nothing here comes twice, and remembering ids costs memory
		if msgs = append(msgs, m); len(msgs) == batch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	return upToDate(ctx, nc, js, last)
}

// publishAtomic publishes the messages to one stream as one atomic batch (NATS 2.12, ADR-50), and returns the sequence
// of the last, whose acknowledgement stands for all.
func publishAtomic(ctx context.Context, js jetstream.JetStream, msgs []*nats.Msg) (uint64, error) {
	id := nuid.Next()
	last := len(msgs) - 1
	for i, m := range msgs {
		m.Header.Set("Nats-Batch-Id", id)
		m.Header.Set("Nats-Batch-Sequence", strconv.Itoa(i+1))
		if i < last { // the server keeps it until the last one commits
			if err := js.Conn().PublishMsg(m); err != nil {
				return 0, err
			}
		}
	}
	msgs[last].Header.Set("Nats-Batch-Commit", "1")
	return jet.Publish(ctx, js, msgs[last])
}

// upToDate rebuilds all projections and lets every function go on after the position.
func upToDate(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, position uint64) error {
	if err := world.Rebuild(ctx, nc, false, nil, world.Projections()...); err != nil {
		return err
	}
	log, err := js.Stream(ctx, events.LogStream)
	if err != nil {
		return err
	}
	consumers := log.ConsumerNames(ctx)
	for name := range consumers.Name() {
		if err := functions.FastForward(ctx, js, name, position); err != nil {
			return err
		}
	}
	return consumers.Err()
}
