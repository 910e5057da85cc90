package main

import (
	"context"
	"fmt"
)

// media compares a download of 1 GiB between two accounts (server, sender and receiver in processes of their own, disk
// to disk, verified) with what the cores could do at best, with raw NATS, and with protocol 1.
func media(ctx context.Context, l *lab) ([]Result, error) {
	env := []string{"NATSTER_BENCH_MB=1024"}
	if l.quick {
		env = []string{"NATSTER_BENCH_MB=64"}
	}
	m, err := goBench(ctx, "./workloads/catalog/client", "^(BenchmarkAgainstTheLimit|BenchmarkProtocol1)$", "3x", env)
	if err != nil {
		return nil, err
	}
	limit, one := m["BenchmarkAgainstTheLimit"], m["BenchmarkProtocol1"]
	two := limit["protocol2-MB/s"]
	row := func(measure string, floor, target float64) Result {
		return Result{Measure: measure, Got: mbs(two), Floor: mbs(floor), Ratio: two / floor, Target: target}
	}
	return []Result{
		row("protocol 2 download, 3 processes, against the limit of its parts", limit["limit-MB/s"], 0.75),
		row("protocol 2 download, against raw NATS", limit["raw-MB/s"], 0.3),
		row("protocol 2 download, against protocol 1", one["MB/s"], 8),
	}, nil
}

// slow measures what a hundred receivers at 100 KB/s each cost the sender, and what they leave to a fast one.
func slow(ctx context.Context, l *lab) ([]Result, error) {
	env := []string{"NATSTER_BENCH_MB=1024"}
	if l.quick {
		env = []string{"NATSTER_BENCH_MB=64"}
	}
	m, err := goBench(ctx, "./workloads/catalog/client", "^BenchmarkSlowReceivers$", "3x", env)
	if err != nil {
		return nil, err
	}
	s := m["BenchmarkSlowReceivers"]
	return []Result{
		{Measure: "100 receivers at 100 KB/s: sender's resident MB", Got: fmt.Sprintf("%.0f MB", s["MB-resident"]),
			Ratio: s["MB-resident"], Target: 200, AtMost: true},
		{Measure: "100 receivers at 100 KB/s: connections lost",
			Got: fmt.Sprintf("%.0f KB/s each", s["KB/s-each-slow"]), Ratio: s["connections-lost"], Target: 0,
			AtMost: true},
		{Measure: "a fast receiver beside them, against alone", Ratio: s["of-fast-alone"], Target: 0.7},
	}, nil
}

func mbs(v float64) string { return fmt.Sprintf("%.0f MB/s", v) }
