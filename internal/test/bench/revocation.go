package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog/client"
)

// revocation measures how long after the beginning of `natster unshare` the former friend is refused, while another
// friend floods events.put, get and whoami.
func revocation(ctx context.Context, l *lab) (_ []Result, err error) {
	w, err := devrun(ctx, l, "revocation")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.stop()) }()
	alice, serving, err := w.owner(ctx, l, 1<<20)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, serving.stop()) }()
	bob, err := w.person(ctx, "bob")
	if err != nil {
		return nil, err
	}
	defer bob.nc.Close()
	mallory, err := w.person(ctx, "mallory")
	if err != nil {
		return nil, err
	}
	defer mallory.nc.Close()
	if _, err := alice.befriend(ctx, w, mallory); err != nil {
		return nil, err
	}
	reader, err := alice.befriend(ctx, w, bob)
	if err != nil {
		return nil, err
	}
	rounds := 5
	if l.quick {
		rounds = 2
	}
	worst := func() (time.Duration, error) {
		var longest time.Duration
		for range rounds {
			took, err := alice.revoke(ctx, bob, reader)
			if err != nil {
				return 0, err
			}
			longest = max(longest, took)
		}
		return longest, nil
	}
	alone, err := worst()
	if err != nil {
		return nil, err
	}
	if err := w.introduce(ctx); err != nil {
		return nil, err
	}
	flood, err := w.attacker(ctx, "flood", mallory, api.Put.Subject(), api.Whoami.Subject(),
		events.CatalogSubject(films, events.VerbGet))
	if err != nil {
		return nil, err
	}
	beside, err := worst()
	if err != nil {
		return nil, errors.Join(err, flood.stop())
	}
	told, err := flood.told()
	if err != nil {
		return nil, err
	}
	return []Result{{
		Measure: "unshare until refused, s, the worst of " + strconv.Itoa(rounds) +
			", while another floods events.put, get, whoami (" + told + ")",
		Got: brief(beside), Floor: brief(alone) + " alone", Ratio: beside.Seconds(), Target: 1, AtMost: true,
	}}, nil
}

// revoke shares the catalog, waits until it can be read, takes it back and returns how long it took until the reader
// was refused, from the beginning of the command. Whoever was refused and is served again is an error.
func (o *owner) revoke(ctx context.Context, p *person, reader *client.Client) (time.Duration, error) {
	if _, err := o.natster(ctx, "share", films.String(), p.key.String()); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	contents, err := reader.List(ctx, films)
	for errors.Is(err, client.ErrNotShared) && ctx.Err() == nil {
		time.Sleep(50 * time.Millisecond)
		contents, err = reader.List(ctx, films)
	}
	if err != nil {
		return 0, err
	}
	opens := func() error {
		f, err := reader.Open(ctx, films, contents.Entries[0])
		if err == nil {
			err = f.Close()
		}
		return err
	}
	if err := opens(); err != nil {
		return 0, err
	}
	start := time.Now()
	done := make(chan error, 1)
	go func() {
		_, err := o.natster(ctx, "unshare", films.String(), p.key.String())
		done <- err
	}()
	var refused time.Duration
	for ended := false; ; time.Sleep(5 * time.Millisecond) {
		err := opens()
		switch {
		case errors.Is(err, client.ErrNotShared) && refused == 0:
			refused = time.Since(start)
		case errors.Is(err, client.ErrNotShared):
		case refused > 0 && err == nil:
			return 0, errors.New("who was refused is served again")
		case ctx.Err() != nil:
			return 0, fmt.Errorf("not refused: %w", errors.Join(err, ctx.Err()))
		}
		if ended && refused > 0 {
			return refused, nil
		}
		select {
		case err := <-done:
			if ended = true; err != nil {
				return 0, err
			}
		default:
		}
	}
}
