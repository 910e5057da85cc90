package world_test

import (
	"io"
	"os"
	"strconv"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"natster/deploy/world"
	"natster/internal/test/wait"
)

// TestTroubleIsNotPrinted makes a subscription too slow, of which nats.go tells on stderr if nobody else is told.
func TestTroubleIsNotPrinted(t *testing.T) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	defer s.WaitForShutdown()
	defer s.Shutdown()
	if !s.ReadyForConnections(wait.Patience) {
		t.Fatal("the server does not start")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr := os.Stderr
	os.Stderr = w // no test of this package runs beside this one
	defer func() { os.Stderr = stderr }()
	nc, err := world.Info{URL: s.ClientURL()}.Connect(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	sub, err := nc.SubscribeSync("flood")
	if err != nil {
		t.Fatal(err)
	}
	if err := sub.SetPendingLimits(1, -1); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if err := nc.Publish("flood", []byte(strconv.Itoa(i))); err != nil {
			t.Fatal(err)
		}
	}
	slow := nc.StatusChanged(nats.CLOSED)
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if n, err := sub.Dropped(); err != nil || n == 0 {
		t.Fatalf("%d messages were dropped, %v", n, err)
	}
	nc.Close() // after all its handlers
	<-slow
	os.Stderr = stderr
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if said, err := io.ReadAll(r); err != nil || len(said) > 0 {
		t.Errorf("%q, %v", said, err)
	}
}
