package main

import (
	"context"
	"time"
)

// start measures how long a world that has been there before takes to start, process and all.
func start(ctx context.Context, l *lab) ([]Result, error) {
	var samples []time.Duration
	for range 8 {
		began := time.Now()
		w, err := startWorld(ctx, l, "start")
		if err != nil {
			return nil, err
		}
		samples = append(samples, time.Since(began))
		if err := w.stop(); err != nil {
			return nil, err
		}
	}
	took := median(samples[1:]) // the first made the world
	return []Result{{
		Measure: "world start, ms from exec until it says that it is ready", Got: brief(took),
		Ratio: float64(took.Milliseconds()), Target: 250, AtMost: true,
	}}, nil
}
