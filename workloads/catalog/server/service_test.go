package server_test

import (
	"encoding/json"
	"testing"

	"github.com/nats-io/nats.go/micro"

	"natster/events"
	"natster/functions/api"
	"natster/internal/test/catalogtest"
	"natster/internal/test/wait"
)

// What `nats micro ls`, `info` and `stats` see.
func TestACatalogIsAServiceOfItsAccount(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	nc := w.Alice.Conn(t)
	for range 3 {
		expectCode(t, catalogtest.Ask(t, w.Bob.Conn(t), subject(events.VerbGet), nil), api.CodeOK)
	}
	m, err := nc.Request("$SRV.STATS.natster-catalog-films", nil, wait.Patience)
	if err != nil {
		t.Fatal(err)
	}
	var stats micro.Stats
	if err := json.Unmarshal(m.Data, &stats); err != nil {
		t.Fatal(err)
	}
	asked := make(map[string]int)
	for _, e := range stats.Endpoints {
		asked[e.Name] = e.NumRequests
	}
	if asked["get-shared"] != 3 || asked["get"] != 0 {
		t.Errorf("the service was asked %v", asked)
	}
	if stats.Metadata["catalog"] != films.String() {
		t.Errorf("the service is of %v", stats.Metadata)
	}
	if _, err := w.Bob.Conn(t).Request("$SRV.PING", nil, wait.Patience); err == nil {
		t.Error("bob sees services of alice's account")
	}
}

// An original server and ours may serve one catalog: they are in one queue group, by the original's names, and so each
// request is answered by one of them.
func TestCatalogsAreServedInTheOriginalsQueueGroups(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	for service, queue := range map[string]string{
		"natster-catalog-films": "natstercatalog", "natster-inbox": "natsterlocalservices",
	} {
		m, err := w.Alice.Conn(t).Request("$SRV.INFO."+service, nil, wait.Patience)
		if err != nil {
			t.Fatal(err)
		}
		var info micro.Info
		if err := json.Unmarshal(m.Data, &info); err != nil || len(info.Endpoints) == 0 {
			t.Fatalf("%s is %s, %v", service, m.Data, err)
		}
		for _, e := range info.Endpoints {
			if e.QueueGroup != queue {
				t.Errorf("%s of %s is in the queue group %q", e.Subject, service, e.QueueGroup)
			}
		}
	}
}
