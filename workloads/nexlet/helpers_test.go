package nexlet_test

import (
	"context"
	"errors"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/deploy/nex"
	"natster/functions"
	"natster/functions/api"
	"natster/internal/test/functionstest"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
	"natster/workloads/nexlet/spec"
	"natster/workloads/nexlet/wire"
)

type word struct {
	Word string `json:"word"`
}

var probe = api.Endpoint[word, word]{Name: "probe"}

// echoing are functions that answer, each instance with what it was called by.
func echoing(h func(context.Context, *functions.Call, word) (word, error)) func() []functions.Function {
	return func() []functions.Function {
		return []functions.Function{{
			Name: "prober", Doc: "answers the probes of a test",
			Triggers: []functions.Trigger{functions.Request(probe, functionstest.Handler(h))},
		}, {
			Name: "other", Doc: "answers, too",
			Triggers: []functions.Trigger{
				functions.Request(api.Endpoint[word, word]{Name: "other"}, functionstest.Handler(h)),
			},
		}}
	}
}

func echo(_ context.Context, _ *functions.Call, q word) (word, error) {
	if q.Word == "fail" {
		return q, errors.New("as told")
	}
	return q, nil
}

func call(t *testing.T, a *worldtest.Account, text string) (string, error) {
	t.Helper()
	got, err := api.Call(wait.Context(t), api.NewClient(a.Conn(t)), probe, word{text})
	return got.Word, err
}

func deploy(t *testing.T, c *nex.Client, function string) wire.StartWorkloadResponse {
	t.Helper()
	return deployOn(t, c, function, nil)
}

// deployOn deploys to a node with the tags; without, any may win the auction.
func deployOn(t *testing.T, c *nex.Client, function string, tags wire.Tags) wire.StartWorkloadResponse {
	t.Helper()
	d, err := c.Deploy(
		t.Context(),
		nex.Request{Name: function, Description: "of a test", Start: spec.Start{Function: function}, Tags: tags},
	)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// answered waits until the function answers.
func answered(t *testing.T, a *worldtest.Account) {
	t.Helper()
	wait.For(t, "the function answers", func() (string, error) {
		got, err := call(t, a, "hello")
		if err != nil && !errors.Is(err, api.ErrUnavailable) && !errors.Is(err, nats.ErrNoResponders) {
			t.Fatal(err)
		}
		return got, err
	})
}

func natsHandler(h func(subject string, data []byte)) nats.MsgHandler {
	return func(m *nats.Msg) { h(m.Subject, m.Data) }
}
