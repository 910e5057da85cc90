package server_test

import (
	"encoding/json"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog/internal/catalogtest"
)

// What `nats micro ls`, `info` and `stats` see.
func TestACatalogIsAServiceOfItsAccount(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	nc := w.Alice.Conn(t)
	for range 3 {
		expectCode(t, catalogtest.Ask(t, w.Bob.Conn(t), subject(events.VerbGet), nil), api.CodeOK)
	}
	m, err := nc.Request("$SRV.STATS.natster-catalog-films", nil, catalogtest.Patience)
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
	if _, err := w.Bob.Conn(t).Request("$SRV.PING", nil, catalogtest.Patience); err == nil {
		t.Error("bob sees services of alice's account")
	}
}

// An original server and ours serve one catalog: each request is answered by one of them.
func TestAnOriginalServerBesideOursDoesNotAnswerToo(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	original := w.Alice.Connect(t)
	for subject, queue := range map[string]string{
		events.CatalogService(films, events.VerbGet): "natstercatalog",
		events.CatalogSubject(films, events.VerbGet): "natstercatalog",
		events.LocalInbox: "natsterlocalservices",
	} {
		_, err := original.QueueSubscribe(subject, queue, func(m *nats.Msg) {
			if err := m.Respond([]byte(`{"code":200,"data":""}`)); err != nil {
				t.Error(err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := original.Flush(); err != nil {
		t.Fatal(err)
	}
	ask := func(nc *nats.Conn, subject string) {
		t.Helper()
		inbox := nc.NewInbox()
		replies, err := nc.SubscribeSync(inbox)
		if err != nil {
			t.Fatal(err)
		}
		const requests = 20
		for range requests {
			if err := nc.PublishRequest(subject, inbox, nil); err != nil {
				t.Fatal(err)
			}
		}
		for range requests {
			if _, err := replies.NextMsg(catalogtest.Patience); err != nil {
				t.Fatal(err)
			}
		}
		// Both have been asked everything and have answered once this is through.
		for _, x := range []*nats.Conn{original, nc} {
			if err := x.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		if n, _, err := replies.Pending(); err != nil || n != 0 {
			t.Errorf("%s: %d answers too many (%v)", subject, n, err)
		}
	}
	ask(w.Bob.Conn(t), events.CatalogSubject(films, events.VerbGet))
	ask(w.Alice.Conn(t), events.CatalogSubject(films, events.VerbGet))
	ask(w.Alice.Conn(t), events.LocalInbox)
}
