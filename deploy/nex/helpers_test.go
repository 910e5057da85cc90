package nex_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/deploy/nex"
	"natster/functions"
	"natster/functions/api"
	"natster/internal/test/nexlettest"
	"natster/workloads/nexlet/spec"
)

type word struct {
	Word string `json:"word"`
}

var probe = api.Endpoint[word, word]{Name: "probe"}

func echoing() []functions.Function {
	f := func(name, endpoint string) functions.Function {
		return functions.Function{
			Name: name, Doc: "answers the probes of a test",
			Triggers: []functions.Trigger{functions.Request(api.Endpoint[word, word]{Name: endpoint},
				func(_ functions.Instance, _ context.Context, _ *functions.Call, q word) (word, error) {
					return q, nil
				})},
		}
	}
	return []functions.Function{f("prober", "probe"), f("other", "other")}
}

// wants are what the test's functions are as workloads.
func wants() []nex.Want { return nex.Wants(echoing()) }

func one(name string) []nex.Want {
	return []nex.Want{{Name: name, Start: spec.Start{Function: name}}}
}

func answers(t *testing.T, s *nexlettest.Stage) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := api.Call(ctx, api.NewClient(s.Account("alice").Conn(t)), probe, word{"hello"}); err != nil {
		t.Error(err)
	}
}

func actions(steps []nex.Step) (all []string) {
	for _, s := range steps {
		all = append(all, string(s.Action)+" "+s.Name)
	}
	return all
}

func respond(m *nats.Msg, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return m.Respond(text)
}
