package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"natster/functions/api"
)

// quiet compares whoami of an account that asks now and then with the same while another account floods everything
// that it can ask.
func quiet(ctx context.Context, l *lab) (_ []Result, err error) {
	w, err := devrun(ctx, l, "quiet")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.stop()) }()
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
	n := 500
	if l.quick {
		n = 50
	}
	const patience = 2 * time.Second
	timeouts := 0
	ask := func() ([]time.Duration, error) {
		var took []time.Duration
		for end := time.Now().Add(time.Minute); len(took) < n && time.Now().Before(end); {
			one, cancel := context.WithTimeout(ctx, patience)
			start := time.Now()
			_, err := bob.client.Whoami(one)
			cancel()
			took = append(took, time.Since(start))
			switch {
			case errors.Is(err, api.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
				timeouts++
				took[len(took)-1] = patience // also if nobody was there to ask
			case err != nil:
				return nil, err
			}
			time.Sleep(25 * time.Millisecond) // within what an account may ask in the long run
		}
		slices.Sort(took)
		return took, nil
	}
	alone, err := ask()
	if err != nil {
		return nil, err
	}
	if err := w.introduce(ctx); err != nil {
		return nil, err
	}
	flood, err := w.attacker(ctx, "flood", mallory, everything()...)
	if err != nil {
		return nil, err
	}
	beside, err := ask()
	if err != nil {
		return nil, errors.Join(err, flood.stop())
	}
	told, err := flood.told()
	if err != nil {
		return nil, err
	}
	a, b := median(alone), median(beside)
	return []Result{
		{
			Measure: "whoami of a quiet account while another floods everything it can (" + told + "), against alone",
			Got:     fmt.Sprintf("%s (99 of 100: %s)", brief(b), brief(beside[len(beside)*99/100])), Floor: brief(a),
			Ratio: ratio(b, a), Target: 3, AtMost: true,
		},
		{
			Measure: fmt.Sprintf("the same: timeouts of %d", len(beside)),
			Ratio:   float64(timeouts), Target: 0, AtMost: true,
		},
	}, nil
}
