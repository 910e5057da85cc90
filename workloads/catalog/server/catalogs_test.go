package server_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions/api"
	"natster/internal/test/catalogtest"
	"natster/workloads/catalog/server"
)

func TestACatalogComesAndGoesWhileAnotherIsServed(t *testing.T) {
	w := catalogtest.Start(t)
	w.Library.Add("a.mp4", catalogtest.Content(100, 1))
	s, _ := w.Serve(t)
	music, err := events.ParseCatalog("music")
	if err != nil {
		t.Fatal(err)
	}
	other := catalogtest.NewLibrary(music)
	other.Add("b.mp3", catalogtest.Content(100, 2))
	own := w.Alice.Conn(t)
	get := events.CatalogSubject(music, events.VerbGet)
	if err := s.Add(other); err != nil {
		t.Fatal(err)
	}
	if err := s.Add(other); err == nil {
		t.Error("a catalog is served twice")
	}
	expectCode(t, catalogtest.Ask(t, own, get, nil), api.CodeOK)
	offline, err := own.SubscribeSync(events.LocalOffline)
	if err != nil {
		t.Fatal(err)
	}
	s.Drop(music)
	if _, err := own.Request(get, nil, 10*time.Second); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("a dropped catalog answers: %v", err)
	}
	if m, err := offline.NextMsg(10 * time.Second); err != nil {
		t.Errorf("nobody is told that it is offline: %v", err)
	} else if want := `"music"`; !strings.Contains(string(m.Data), want) {
		t.Errorf("%s does not say %s", m.Data, want)
	}
	expectCode(t, catalogtest.Ask(t, own, events.CatalogSubject(films, events.VerbGet), nil), api.CodeOK)
	if err := s.Add(other); err != nil {
		t.Fatal(err)
	}
	expectCode(t, catalogtest.Ask(t, own, get, nil), api.CodeOK)
}

func TestAServerThatDoesNotRunServesNothingMore(t *testing.T) {
	w := catalogtest.Start(t)
	s, stop := w.Serve(t)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if err := s.Add(w.Library); !errors.Is(err, server.ErrNotRunning) {
		t.Errorf("%v", err)
	}
}
