package api_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/functions/api"
	"natster/internal/test/worldtest"
)

// An original global service says nothing with an empty string, and answers a put before it knows of it.
func TestAnOriginalServiceIsUnderstood(t *testing.T) {
	w := worldtest.Start(t, worldtest.Bare)
	alice := w.Account("alice")
	nc := w.In(w.Accounts().Global)
	const late = 3 // how often it is asked before it knows
	var initialized, asked atomic.Int64
	for subject, answer := range map[string]func() string{
		"events.put": func() string { initialized.Add(1); return `{"code":200,"data":""}` },
		"whoami": func() string {
			if initialized.Load() == 0 || asked.Add(1) <= late {
				return `{"code":404,"error":"no such account","data":""}`
			}
			return `{"code":200,"data":{"account_key":"` + alice.Key.String() + `","initialized":1700000000}}`
		},
		"my.shares": func() string { return `{"code":200,"data":""}` },
		"stats":     func() string { return `{"code":200,"data":{"total_initialized":"many"}}` },
	} {
		if _, err := nc.Subscribe("*.natster.global."+subject,
			func(m *nats.Msg) { _ = m.Respond([]byte(answer())) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	c := api.NewClient(alice.Conn(t))
	if _, err := c.Whoami(t.Context()); !errors.Is(err, api.ErrNotFound) {
		t.Fatalf("before it is introduced: %v", err)
	}
	if err := c.Initialize(t.Context(), alice.Key, "alice", "alice"); err != nil {
		t.Fatal(err)
	}
	known, err := c.Introduced(t.Context())
	if err != nil || known.Account != alice.Key || asked.Load() != late+1 {
		t.Fatal(known, asked.Load(), err)
	}
	if shares, err := c.Shares(t.Context()); err != nil || len(shares) != 0 {
		t.Fatal(shares, err)
	}
	if _, err := c.LastPosition(t.Context()); !errors.Is(err, api.ErrUnavailable) ||
		!errors.Is(err, nats.ErrNoResponders) {
		t.Fatalf("what it has no function for: %v", err)
	}
	if _, err := c.Totals(t.Context()); !errors.Is(err, api.ErrInternal) {
		t.Fatalf("what is neither: %v", err)
	}
}

func FuzzDecodeReply(f *testing.F) {
	for _, s := range []string{`{"code":200,"data":""}`, `{"code":404,"error":"x","data":""}`, `{"code":200}`, `null`,
		``, `{"code":"200"}`, `{"data":{}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		data, err := api.DecodeReply(body)
		if err == nil && len(data) > 0 && !json.Valid(data) {
			t.Fatalf("%q", data)
		}
		if _, refused := errors.AsType[*api.Error](err); err != nil && !refused || err != nil &&
			strings.TrimSpace(err.Error()) == "" {
			t.Fatalf("%v", err)
		}
	})
}
