package main

import (
	"context"
	"fmt"
	"time"
)

// nexlet compares a request to a function on a nexlet, which counts and tells its runs, with the same request to the
// same function without a nexlet. A nexlet is a process of its own: between it and NATS there is a socket, as there is
// for every function outside the process of its NATS server. So what the nexlet costs is told against the same function
// in process over a socket, too; devrun's functions have none, which the last row tells by itself.
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
			Measure: "request to a function on the nexlet, TRIGGERED told, against in process over a socket, too",
			Got:     micros("ns/nexlet"), Floor: micros("ns/in-process"), Ratio: b["ratio"], Target: 1.1, AtMost: true,
		},
		{
			Measure: "the same, against in process as devrun has it, without a socket to NATS",
			Got:     micros("ns/nexlet"), Floor: micros("ns/no-socket"), Ratio: b["ns/nexlet"] / b["ns/no-socket"],
			Target: 1.1, AtMost: true,
		},
		{
			Measure: "of that, the socket: in process with one, against without; no nexlet, no TRIGGERED",
			Got:     micros("ns/in-process"), Floor: micros("ns/no-socket"),
			Ratio: b["ns/in-process"] / b["ns/no-socket"], Target: 1.1, AtMost: true,
		},
	}, nil
}
