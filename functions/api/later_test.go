package api_test

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/functions/api"
	"natster/internal/test/worldtest"
)

func TestARefusalSaysWhenToComeBack(t *testing.T) {
	for wait, sentence := range map[time.Duration]string{
		time.Microsecond:         "busy with 7: try again in 1 s",
		time.Second:              "busy with 7: try again in 1 s",
		2001 * time.Millisecond:  "busy with 7: try again in 3 s",
		90 * time.Second:         "busy with 7: try again in 90 s",
		-time.Second:             "busy with 7: try again in 1 s",
		time.Duration(1<<63 - 1): "busy with 7: try again in ",
	} {
		err := api.Later(api.ErrTooMany, wait, "busy with %d", 7)
		refusal, is := errors.AsType[*api.Error](err)
		if !is || !errors.Is(err, api.ErrTooMany) || !strings.HasPrefix(err.Error(), sentence) ||
			refusal.RetryAfter <= 0 {
			t.Errorf("%s: %v", wait, err)
		}
	}
	for header, want := range map[string]time.Duration{
		"": 0, "250": 250 * time.Millisecond, "-1": 0, "soon": 0, "1e3": 0, "99999999999999999999": 0,
		strconv.FormatUint(math.MaxUint64, 10): 1 << 31 * time.Millisecond,
	} {
		m := &nats.Msg{Data: []byte(`{"code":429,"error":"busy"}`), Header: nats.Header{}}
		m.Header.Set(api.HeaderRetryAfter, header)
		_, err := api.ReadReply(m)
		if refusal, is := errors.AsType[*api.Error](err); !is || refusal.RetryAfter != want {
			t.Errorf("%q: %+v", header, err)
		}
	}
}

// The client comes back once by itself, when it is told to soon and its context has the time.
func TestAClientComesBackOnceIfThatIsSoon(t *testing.T) {
	w := worldtest.Start(t, worldtest.Bare)
	alice := w.Account("alice")
	nc := w.In(w.Accounts().Global)
	for _, c := range []struct {
		name     string
		wait     time.Duration // of each refusal
		refusals int64
		timeout  time.Duration // of the context
		asked    int64
		refused  bool
	}{
		{"soon", 10 * time.Millisecond, 1, time.Minute, 2, false},
		{"soon, but for ever", 10 * time.Millisecond, 9, time.Minute, 2, true},
		{"late", time.Minute, 1, time.Hour, 1, true},
		{"later than the context", time.Second, 1, 1200 * time.Millisecond, 1, true},
		{"not known when", 0, 1, time.Minute, 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked atomic.Int64
			sub, err := nc.Subscribe("*."+api.Stats.Subject(), func(m *nats.Msg) {
				var err error
				if asked.Add(1) <= c.refusals {
					err = &api.Error{Code: api.CodeTooMany, Message: "busy", RetryAfter: c.wait}
				}
				if err := api.Reply(nc, m.Reply, nil, api.Totals{Accounts: 7}, err); err != nil {
					t.Error(err)
				}
			})
			if err := errors.Join(err, nc.Flush()); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = sub.Unsubscribe() }()
			ctx, cancel := context.WithTimeout(t.Context(), c.timeout)
			defer cancel()
			got, err := api.NewClient(alice.Conn(t)).Totals(ctx)
			if n := asked.Load(); n != c.asked {
				t.Errorf("asked %d times", n)
			}
			refusal, is := errors.AsType[*api.Error](err)
			if is != c.refused || !is && (err != nil || got.Accounts != 7) || is && refusal.RetryAfter != c.wait {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}
