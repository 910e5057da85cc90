package nextest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/functions"
	"natster/functions/api"
	"natster/internal/test/nexlettest"
	"natster/internal/test/nextest"
	"natster/internal/test/wait"
	"natster/workloads/nexlet/wire"
)

// TestTheNexletDoesWhatTheStockCLIAsks sends what the stock CLI was captured sending (testdata/exchanges.jsonl): nulls
// where it says null, no marks of ours.
func TestTheNexletDoesWhatTheStockCLIAsks(t *testing.T) {
	probe := api.Endpoint[word, word]{Name: "probe"}
	s := nexlettest.Start(t, func() []functions.Function {
		return []functions.Function{{Name: "prober", Doc: "answers", Triggers: []functions.Trigger{
			functions.Request(
				probe,
				func(_ functions.Instance, _ context.Context, _ *functions.Call, q word) (word, error) {
					return q, nil
				},
			),
		}}}
	})
	s.Node(nextest.Config{})
	nc := s.NexConn()
	ask := func(subject, body string, into any) {
		t.Helper()
		m, err := nc.RequestMsg(&nats.Msg{Subject: subject, Data: []byte(body)}, wait.Patience)
		if err != nil {
			t.Fatalf("%s: %v", subject, err)
		}
		if err := wire.Refusal(m); err != nil {
			t.Fatalf("%s: %v", subject, err)
		}
		if err := json.Unmarshal(m.Data, into); err != nil {
			t.Fatalf("%s: %v\n%s", subject, err, m.Data)
		}
	}
	var bid wire.AuctionResponse
	ask(
		"$NEX.SVC.shares.control.AUCTION",
		`{"agent_type":"natster","auction_id":"bxcAM7MoqLAZV8H6lRKZi0","tags":null}`,
		&bid,
	)
	var started wire.StartWorkloadResponse
	ask(
		"$NEX.SVC.shares.control.ADEPLOY."+bid.BidderID,
		`{"description":"answers","name":"prober","namespace":"shares",`+
			`"run_request":"{\"function\":\"prober\"}","tags":null,`+
			`"workload_lifecycle":"function","workload_type":"natster"}`,
		&started,
	)
	w := s.Running(s.Client("shares"), started.ID, wire.Running)
	if w.Tags == nil || w.Metadata["triggers"] == "" {
		t.Errorf("%+v", w)
	}
	if _, err := api.Call(t.Context(), api.NewClient(s.Account("alice").Conn(t)), probe, word{"x"}); err != nil {
		t.Error(err)
	}
	var list []wire.WorkloadSummary
	for _, q := range []struct{ namespace, filter string }{
		{"shares", "null"}, {"shares", `["prober"]`}, {"system", fmt.Sprintf("[%q]", started.ID)},
	} {
		ask("$NEX.SVC."+q.namespace+".control.WPING", `{"filter":`+q.filter+`,"namespace":"`+q.namespace+`"}`, &list)
		if len(list) != 1 || list[0].ID != started.ID {
			t.Errorf("%+v: %+v", q, list)
		}
	}
	var definition wire.StartWorkloadRequest
	ask(
		"$NEX.SVC.shares.control.CLONE."+started.ID,
		`{"namespace":"shares","new_target_xkey":"XAQRSLUJ46PVTKRC6GEDGXR3LIYLYOG4YAEBYC5GH4VAEVJOCPMXCXOJ"}`,
		&definition,
	)
	if definition.RunRequest != `{"function":"prober"}` {
		t.Errorf("%+v", definition)
	}
	var stopped wire.StopWorkloadResponse
	ask("$NEX.SVC.shares.control.UNDEPLOY."+started.ID, `{"namespace":"shares"}`, &stopped)
	if !stopped.Stopped || stopped.Type != "natster" {
		t.Errorf("%+v", stopped)
	}
}
