package main

import (
	"context"
	"fmt"
	"time"
)

// nexlet compares a request to a function on a nexlet, which counts and tells its runs, with the same request to the same
// function without a nexlet.
func nexlet(ctx context.Context, l *lab) ([]Result, error) {
	duration := "10s"
	if l.quick {
		duration = "1s"
	}
	m, err := goBench(ctx, "./workloads/nexlet", "^BenchmarkRequest$", duration, nil)
	if err != nil {
		return nil, err
	}
	b := m["BenchmarkRequest"]
	micros := func(unit string) string {
		return fmt.Sprintf("%.1f µs", b[unit]/float64(time.Microsecond))
	}
	return []Result{
		{
			Measure: "request to a function on the nexlet, against one on the same runtime without",
			Got:     micros("ns/nexlet"), Floor: micros("ns/in-process"), Ratio: b["ratio"], Target: 1.1, AtMost: true,
		},
		{
			Measure: "the same, against a function in the NATS server's own process, without a socket",
			Got:     micros("ns/nexlet"), Floor: micros("ns/no-socket"), Ratio: b["ns/nexlet"] / b["ns/no-socket"], Target: 1.1, AtMost: true,
		},
	}, nil
}
