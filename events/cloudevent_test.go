package events_test

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/internal/test/eventstest"
)

func shared(t testing.TB) events.Event {
	return events.Event{
		ID: "1", Time: time.Date(2026, 11, 20, 6, 0, 0, 42, time.UTC),
		Type: events.Shared, Origin: eventstest.Account(t), Target: eventstest.Account(t),
		Catalog: eventstest.Catalog(t, "films"),
	}
}

func TestAnEventSurvivesTheLog(t *testing.T) {
	e := shared(t)
	m, err := events.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	want := "natster.events." + e.Origin.String() + "." + e.Target.String() + ".films.catalog_shared"
	if m.Subject != want {
		t.Errorf("subject %s, want %s", m.Subject, want)
	}
	if id := m.Header.Get(nats.MsgIdHdr); id != m.Header.Get("ce-id") || id != e.ID {
		t.Errorf("the message id is %q", id)
	}
	got, err := events.Decode(m.Subject, m.Header, m.Data)
	if err != nil || got.Time != e.Time || got.ID != e.ID || events.LogSubject(got) != m.Subject {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAnEventThatContradictsItselfIsRefused(t *testing.T) {
	other := eventstest.Account(t).String()
	for name, forge := range map[string]func(*nats.Msg){
		"another origin in the subject": func(m *nats.Msg) {
			m.Subject = "natster.events." + other +
				m.Subject[len("natster.events.")+56:]
		},
		"another type in the header":  func(m *nats.Msg) { m.Header.Set("ce-type", string(events.Unshared)) },
		"another CloudEvents version": func(m *nats.Msg) { m.Header.Set("ce-specversion", "2.0") },
		"no id":                       func(m *nats.Msg) { m.Header.Del("ce-id") },
		"no time":                     func(m *nats.Msg) { m.Header.Del("ce-time") },
		"a time that is none":         func(m *nats.Msg) { m.Header.Set("ce-time", "yesterday") },
		"a body that is no JSON":      func(m *nats.Msg) { m.Data = []byte("{") },
		"no body":                     func(m *nats.Msg) { m.Data = nil },
		"a huge body":                 func(m *nats.Msg) { m.Data = make([]byte, 1<<20) },
	} {
		m, err := events.Encode(shared(t))
		if err != nil {
			t.Fatal(err)
		}
		forge(m)
		if _, err := events.Decode(m.Subject, m.Header, m.Data); !errors.Is(err, events.ErrEvent) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnIncompleteEventIsNotWritten(t *testing.T) {
	whole := shared(t)
	for name, spoil := range map[string]func(*events.Event){
		"no id":      func(e *events.Event) { e.ID = "" },
		"no time":    func(e *events.Event) { e.Time = time.Time{} },
		"no type":    func(e *events.Event) { e.Type = "" },
		"no origin":  func(e *events.Event) { e.Origin = events.Account{} },
		"no target":  func(e *events.Event) { e.Target = events.Account{} },
		"no catalog": func(e *events.Event) { e.Catalog = events.Catalog{} },
		"a target too many": func(e *events.Event) {
			e.Type = events.Initialized
		},
	} {
		e := whole
		spoil(&e)
		if _, err := events.Encode(e); !errors.Is(err, events.ErrEvent) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnEventFromTheFutureIsRead(t *testing.T) {
	e := shared(t)
	e.Type = "catalog_framed"
	m, err := events.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := events.Decode(m.Subject, m.Header, m.Data); err != nil || got.Type != e.Type {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzDecode(f *testing.F) {
	m, err := events.Encode(shared(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.Subject, m.Header.Get("ce-id"), m.Header.Get("ce-type"), m.Header.Get("ce-time"), m.Data)
	f.Fuzz(func(t *testing.T, subject, id, typ, at string, body []byte) {
		h := nats.Header{"ce-specversion": {"1.0"}, "ce-id": {id}, "ce-type": {typ}, "ce-time": {at}}
		e, err := events.Decode(subject, h, body)
		if err != nil {
			if !errors.Is(err, events.ErrEvent) {
				t.Errorf("an unknown error: %v", err)
			}
			return
		}
		if _, err := events.Encode(e); err != nil {
			t.Errorf("%+v was read but cannot be written: %v", e, err)
		}
	})
}
