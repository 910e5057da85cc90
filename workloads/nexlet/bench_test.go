package nexlet_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/deploy/nex"
	"natster/functions"
	"natster/functions/api"
	"natster/internal/test/nexlettest"
	"natster/internal/test/nextest"
	"natster/internal/test/worldtest"
	"natster/workloads/nexlet/spec"
	"natster/workloads/nexlet/wire"
)

// BenchmarkRequest measures a request to a function on a nexlet, accounting included, against the same request to the
// same function that runs without one: on the same runtime, in this process, over a connection of the same kind; and
// against the function that its world runs, which needs no socket, because it lives in the process of its NATS server.
// One request of each is made in turn, so that all see the same machine.
func BenchmarkRequest(b *testing.B) {
	s := nexlettest.Start(b, echoing(echo))
	s.Node(nextest.Config{})
	c := s.Client("bench")
	d, err := c.Deploy(b.Context(), nex.Request{Name: "prober", Start: spec.Start{Function: "prober"}})
	if err != nil {
		b.Fatal(err)
	}
	s.Running(c, d.ID, wire.Running)
	inProcess := worldtest.Start(b, worldtest.Running(echoing(echo)()...))
	plain := nexlettest.Start(b, echoing(echo))
	runPlainly(b, plain)
	conns := []*nats.Conn{
		inProcess.Account("alice").Conn(b),
		plain.Account("alice").Conn(b),
		s.Account("alice").Conn(b),
	}
	took := make([][]time.Duration, len(conns))
	var clients []*api.Client
	for _, nc := range conns {
		clients = append(clients, api.NewClient(nc))
	}
	for b.Loop() {
		for i, client := range clients {
			began := time.Now()
			if _, err := api.Call(b.Context(), client, probe, word{"hello"}); err != nil {
				b.Fatal(err)
			}
			took[i] = append(took[i], time.Since(began))
		}
	}
	var medians []float64
	for i := range took {
		slices.Sort(took[i])
		medians = append(medians, float64(took[i][len(took[i])/2]))
	}
	b.ReportMetric(medians[0], "ns/no-socket")
	b.ReportMetric(medians[1], "ns/in-process")
	b.ReportMetric(medians[2], "ns/nexlet")
	b.ReportMetric(medians[2]/medians[1], "ratio")
}

// runPlainly runs the function of the stage without a nexlet.
func runPlainly(b *testing.B, s *nexlettest.Stage) {
	b.Helper()
	f := echoing(echo)()[0]
	creds := s.TakeKey(f.Name)
	nc, err := s.Info().Connect(b.Context(), creds, nats.CustomInboxPrefix(f.InboxPrefix()))
	if err != nil {
		b.Fatal(err)
	}
	runner, err := functions.NewRunner(f, functions.Config{Conn: nc})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
		nc.Close()
	})
	<-runner.Ready()
}
