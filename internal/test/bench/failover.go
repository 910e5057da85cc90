package main

import (
	"context"
	"fmt"
)

// failover measures how long the next event waits after an instance of an event function was killed, in a cluster of
// three servers, at whichever of them it was.
func failover(ctx context.Context, l *lab) ([]Result, error) {
	rounds := "3x"
	if l.quick {
		rounds = "1x"
	}
	m, err := goBench(ctx, "./internal/test/clustertest", "^BenchmarkFailover$", rounds, nil)
	if err != nil {
		return nil, err
	}
	longest := m["BenchmarkFailover"]["s-longest"]
	return []Result{{
		Measure: "fail-over of an event function in a cluster, instance killed on any server, s until the next event",
		Got:     fmt.Sprintf("%.2f s", longest), Ratio: longest, Target: 3, AtMost: true,
	}}, nil
}
