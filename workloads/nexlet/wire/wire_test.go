package wire_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/workloads/nexlet/wire"
)

func TestSubjects(t *testing.T) {
	rows := map[string]string{
		wire.Ping(""):                  "$NEX.SVC.system.control.PING",
		wire.Ping("N"):                 "$NEX.SVC.system.control.PING.N",
		wire.Info("N"):                 "$NEX.SVC.system.control.INFO.N",
		wire.Lameduck("N"):             "$NEX.SVC.system.control.LAMEDUCK.N",
		wire.NodeHeartbeat("N"):        "$NEX.SVC.system.control.HEARTBEAT.N",
		wire.Auction("ns"):             "$NEX.SVC.ns.control.AUCTION",
		wire.Deploy("ns", "bid"):       "$NEX.SVC.ns.control.ADEPLOY.bid",
		wire.Undeploy("ns", "w"):       "$NEX.SVC.ns.control.UNDEPLOY.w",
		wire.List("ns"):                "$NEX.SVC.ns.control.WPING",
		wire.Clone("ns", "w"):          "$NEX.SVC.ns.control.CLONE.w",
		wire.RegisterRemote("nexus"):   "$NEX.SVC.nexus.agent.RREGISTER",
		wire.Register("N", "a"):        "$NEX.SVC.N.agent.REGISTER.a",
		wire.Heartbeat("N", "a"):       "$NEX.SVC.N.agent.HEARTBEAT.a",
		wire.Start("N", "a", "w"):      "$NEX.SVC.N.agent.a.STARTWORKLOAD.w",
		wire.Stop("N", "w"):            "$NEX.SVC.N.agent.STOPWORKLOAD.w",
		wire.Get("N", "w"):             "$NEX.SVC.N.agent.GETWORKLOAD.w",
		wire.Query("N"):                "$NEX.SVC.N.agent.QUERYWORKLOADS",
		wire.PingAgents("N"):           "$NEX.SVC.N.agent.PING",
		wire.PingAgent("N", "a"):       "$NEX.SVC.N.agent.a.PING",
		wire.SetLameduck("N"):          "$NEX.SVC.N.agent.SETLAMEDUCK",
		wire.Find("nexus", "w"):        "$NEX.SVC.nexus.agent.PINGWORKLOAD.w",
		wire.Logs("ns", "w", "stdout"): "$NEX.FEED.ns.logs.w.stdout",
		wire.Events("ns", "X"):         "$NEX.FEED.ns.events.X",
	}
	for got, want := range rows {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if wire.Token(wire.Start("N", "a", "w"), 6) != "w" || wire.Last(wire.Stop("N", "w")) != "w" ||
		wire.Token("a", 3) != "" {
		t.Error("tokens")
	}
	for s, ok := range map[string]bool{"natster": true, "": false, "a.b": false, "*": false, ">": false, "a b": false} {
		if wire.IsToken(s) != ok {
			t.Errorf("%q", s)
		}
	}
}

func TestDecodingIsAsStrictAsNexs(t *testing.T) {
	rows := []struct{ name, text, wants string }{
		{"all there", `{"agent_type":"x","auction_id":"y","tags":{}}`, ""},
		{"null is there", `{"agent_type":"x","auction_id":"y","tags":null}`, ""},
		{"more than known", `{"agent_type":"x","auction_id":"y","tags":{},"more":1}`, ""},
		{"a null", `null`, ""},
		{"one is missing", `{"agent_type":"x","tags":{}}`, "field auction_id in AuctionRequest: required"},
		{"several are", `{}`, "field agent_type in AuctionRequest: required"},
		{"not JSON", `x`, "invalid character"},
	}
	for _, r := range rows {
		_, err := wire.Decode[wire.AuctionRequest]([]byte(r.text))
		if (err == nil) != (r.wants == "") || err != nil && !strings.Contains(err.Error(), r.wants) {
			t.Errorf("%s: %v", r.name, err)
		}
	}
	var l wire.Lifecycle
	if err := json.Unmarshal([]byte(`"daemon"`), &l); err == nil ||
		!strings.Contains(err.Error(), `{"service", "job", "function"}): "daemon"`) {
		t.Error(err)
	}
}

func TestOneBadLineSpoilsAList(t *testing.T) {
	good := `{"id":"1","name":"n","start_time":"t","runtime":"r","workload_type":"x",` +
		`"workload_lifecycle":"function","workload_state":"running","tags":{}}`
	if all, err := wire.DecodeList([]byte("[" + good + "]")); err != nil || len(all) != 1 {
		t.Error(all, err)
	}
	for _, bad := range []string{
		strings.Replace(good, "running", "fine", 1), strings.Replace(good, `,"tags":{}`, "", 1),
	} {
		if _, err := wire.DecodeList([]byte("[" + good + "," + bad + "]")); err == nil {
			t.Error(bad)
		}
	}
}

func TestRefusalsAreInTheHeaders(t *testing.T) {
	m := nats.NewMsg("x")
	if err := wire.Refusal(m); err != nil {
		t.Error(err)
	}
	m.Header.Set("Nats-Service-Error-Code", "400")
	m.Header.Set("Nats-Service-Error", "failed to validate run request")
	m.Data = []byte(`{"error_id":"abc","error":"missing property"}`)
	refusal, ok := errors.AsType[*wire.Error](wire.Refusal(m))
	if !ok || refusal.Error() != "failed to validate run request: missing property" {
		t.Error(refusal)
	}
	m.Header.Set("Nats-Service-Error-Code", "500")
	if err := wire.Refusal(m); !strings.Contains(err.Error(), "under abc") {
		t.Error(err)
	}
}

func TestConnectionDataHidesItself(t *testing.T) {
	c := wire.ConnectionData{Seed: "SUSECRET", Password: "secret"}
	for _, s := range []string{c.String(), c.GoString()} {
		if strings.Contains(strings.ToLower(s), "secret") {
			t.Error(s)
		}
	}
}
