package client_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/functions/api"
	"natster/internal/test/catalogtest"
	"natster/workloads/catalog"
	"natster/workloads/catalog/client"
)

func TestAReceiverComesBackOnceIfThatIsSoon(t *testing.T) {
	w := catalogtest.Start(t)
	nc := w.Alice.Conn(t)
	var asked, refusals atomic.Int64
	var wait atomic.Int64
	if _, err := nc.Subscribe("*.natster.catalog.films.get", func(m *nats.Msg) {
		var err error
		if asked.Add(1) <= refusals.Load() {
			err = &api.Error{Code: api.CodeTooMany, Message: "busy", RetryAfter: time.Duration(wait.Load())}
		}
		if err := api.Reply(nc, m.Reply, nil, catalog.GetReply{Name: catalogtest.Films}, err); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	c := client.New(client.Config{Conn: w.Bob.Conn(t), Account: w.Bob.Key})
	for _, row := range []struct {
		name     string
		refusals int64
		wait     time.Duration
		asked    int64
		busy     bool
	}{
		{"soon", 1, time.Millisecond, 2, false},
		{"soon, for ever", 9, time.Millisecond, 2, true},
		{"late", 1, time.Hour, 1, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			asked.Store(0)
			refusals.Store(row.refusals)
			wait.Store(int64(row.wait))
			_, err := c.List(t.Context(), catalogtest.Films)
			n, busy := asked.Load(), errors.Is(err, client.ErrBusy)
			if n != row.asked || busy != row.busy || !busy && err != nil {
				t.Errorf("asked %d times: %v", n, err)
			}
		})
	}
}
