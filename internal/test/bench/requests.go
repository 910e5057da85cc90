package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"natster/events"
	"natster/functions/api"
	"natster/internal/test/logtest"
)

// requests compares whoami and my.shares with a bare request across the same accounts, answered in the same process.
func requests(ctx context.Context, l *lab) (_ []Result, err error) {
	w, err := startWorld(ctx, l, "requests")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.stop()) }()
	alice, err := w.person(ctx, "alice")
	if err != nil {
		return nil, err
	}
	defer alice.nc.Close()
	if err := w.introduce(ctx); err != nil {
		return nil, err
	}
	for i := range 9 { // and the hub's catalog, which everybody is given
		if err := alice.client.Share(ctx, logtest.Catalog("films"), logtest.Account(i)); err != nil {
			return nil, err
		}
	}
	for shares := 0; shares != 10; {
		all, err := alice.client.Shares(ctx)
		if err != nil {
			return nil, err
		}
		shares = len(all)
	}
	bare := func() error {
		_, err := alice.nc.RequestWithContext(ctx, events.GlobalSubject(bareEndpoint), nil)
		return err
	}
	n := 3000
	if l.quick {
		n = 300
	}
	medians, err := interleaved(n, bare,
		func() error { _, err := alice.client.Whoami(ctx); return err },
		func() error { _, err := alice.client.Shares(ctx); return err })
	if err != nil {
		return nil, err
	}
	row := func(name string, i int, target float64) Result {
		return Result{
			Measure: name + " round trip, against a bare request across accounts",
			Got:     brief(medians[i]), Floor: brief(medians[0]),
			Ratio: ratio(medians[i], medians[0]), Target: target, AtMost: true,
		}
	}
	return []Result{row("whoami", 1, 2.5), row("my.shares of 10 shares", 2, 4)}, nil
}

// puts compares an accepted events.put with a bare acknowledged publish to a stream that is synced just so.
func puts(ctx context.Context, l *lab) (_ []Result, err error) {
	w, err := startWorld(ctx, l, "put")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.stop()) }()
	alice, err := w.person(ctx, "alice")
	if err != nil {
		return nil, err
	}
	defer alice.nc.Close()
	nc, err := w.admin(ctx)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "BARE", Subjects: []string{"bare.>"},
		AllowDirect: true}); err != nil {
		return nil, err
	}
	q, err := api.Put.Encode(api.PutRequest{Catalog: "films", Target: alice.key.String(),
		EventType: string(events.Shared)})
	if err != nil {
		return nil, err
	}
	if err := w.introduce(ctx); err != nil {
		return nil, err
	}
	n, i := 1000, 0
	if l.quick {
		n = 100
	}
	medians, err := interleaved(n,
		func() error { _, err := js.Publish(ctx, "bare.put", q); return err },
		func() error {
			i++
			films := logtest.Catalog(fmt.Sprint("films", i/strangers))
			return alice.client.Share(ctx, films, logtest.Account(i%strangers))
		})
	if err != nil {
		return nil, err
	}
	r := ratio(medians[1], medians[0])
	return []Result{
		{
			Measure: "events.put accepted, against a bare acknowledged publish, both synced",
			Got:     brief(medians[1]), Floor: brief(medians[0]), Ratio: r, Target: 8, AtMost: true,
		},
		{
			Measure: "that ratio, against the one when functions shared an account",
			Got:     fmt.Sprintf("%.2f", r), Floor: fmt.Sprint(putBefore),
			Ratio: r / putBefore, Target: 1.5, AtMost: true,
		},
	}, nil
}

// putBefore is how long events.put took in publishes, when functions were users of one account.
const putBefore = 1.2
