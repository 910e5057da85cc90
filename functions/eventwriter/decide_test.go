package eventwriter

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"natster/events"
	"natster/functions/api"
	"natster/internal/test/eventstest"
)

func TestRules(t *testing.T) {
	alice, bob := eventstest.Account(t), eventstest.Account(t)
	films, err := events.ParseCatalog("films")
	if err != nil {
		t.Fatal(err)
	}
	initialized := func(a events.Account) events.Event {
		return events.Event{Type: events.Initialized, Origin: a}
	}
	about := func(t events.Type, from, to events.Account) events.Event {
		return events.Event{Type: t, Origin: from, Target: to, Catalog: films}
	}
	cmd := func(t events.Type, from, to events.Account) Command {
		return Command{Type: t, Origin: from, Target: to, Catalog: films}
	}
	given := func(evs ...events.Event) []events.Event { return evs }
	then := func(types ...events.Type) []events.Type { return types }

	for _, test := range []struct {
		name  string
		given []events.Event
		when  Command
		then  []events.Type
		err   error
	}{
		{"a newcomer", given(), Command{Type: events.Initialized, Origin: alice}, then(events.Initialized), nil},
		{"a second initialization", given(initialized(alice)), Command{Type: events.Initialized, Origin: alice}, nil, api.ErrBadRequest},
		{"a share by a stranger", given(), cmd(events.Shared, alice, bob), nil, api.ErrBadRequest},
		{"a share", given(initialized(alice)), cmd(events.Shared, alice, bob), then(events.Shared), nil},
		{"a share twice", given(initialized(alice), about(events.Shared, alice, bob)), cmd(events.Shared, alice, bob), nil, nil},
		{"a share after an unshare", given(initialized(alice), about(events.Shared, alice, bob), about(events.Unshared, alice, bob)), cmd(events.Shared, alice, bob), then(events.Shared), nil},
		{"an unshare", given(initialized(alice), about(events.Shared, alice, bob)), cmd(events.Unshared, alice, bob), then(events.Unshared), nil},
		{"an unshare of what is not shared", given(initialized(alice)), cmd(events.Unshared, alice, bob), nil, nil},
		{"an import", given(initialized(bob), about(events.Shared, alice, bob)), cmd(events.Imported, bob, alice), then(events.Imported), nil},
		{"an import of what is not shared", given(initialized(bob)), cmd(events.Imported, bob, alice), nil, api.ErrForbidden},
		{"an import after an unshare", given(initialized(bob), about(events.Shared, alice, bob), about(events.Unshared, alice, bob)), cmd(events.Imported, bob, alice), nil, api.ErrForbidden},
		{"an import twice", given(initialized(bob), about(events.Shared, alice, bob), about(events.Imported, bob, alice)), cmd(events.Imported, bob, alice), nil, nil},
		{"an import of what was shared anew", given(initialized(bob), about(events.Imported, bob, alice), about(events.Shared, alice, bob)), cmd(events.Imported, bob, alice), then(events.Imported), nil},
		{"a binding", given(initialized(alice)), Command{Type: events.Bound, Origin: alice, Bound: events.BoundData{OAuthID: "x", ContextRef: "y"}}, then(events.Bound), nil},
		{"a binding of a stranger", given(), Command{Type: events.Bound, Origin: alice}, nil, api.ErrBadRequest},
	} {
		t.Run(test.name, func(t *testing.T) {
			var f Facts
			for i, e := range test.given {
				f.Learn(test.when, events.Envelope{Event: e, Position: uint64(i + 1)})
			}
			d, err := Decide(test.when, f)
			var types []events.Type
			if d.Append != nil {
				types = append(types, d.Append.Event.Type)
			}
			if !errors.Is(err, test.err) || (test.err == nil && err != nil) || !slices.Equal(types, test.then) {
				t.Errorf("got %v, %v; want %v, %v", types, err, test.then, test.err)
			}
		})
	}
}

func TestRequestsAreCheckedBeforeTheLogIsRead(t *testing.T) {
	alice, bob := eventstest.Account(t), eventstest.Account(t)
	about := func(a events.Account) json.RawMessage {
		return json.RawMessage(`{"account_id":"1","account_name":"alice","account_key":"` + a.String() + `"}`)
	}
	none := events.None
	for name, test := range map[string]struct {
		q   api.PutRequest
		err error
	}{
		"an initialization":          {api.PutRequest{Catalog: none, Target: none, EventType: "natster_initialized", Data: about(alice)}, nil},
		"another's key in the data":  {api.PutRequest{Catalog: none, Target: none, EventType: "natster_initialized", Data: about(bob)}, api.ErrForbidden},
		"no data":                    {api.PutRequest{Catalog: none, Target: none, EventType: "natster_initialized"}, api.ErrBadRequest},
		"data of the wrong type":     {api.PutRequest{Catalog: none, Target: none, EventType: "natster_initialized", Data: json.RawMessage(`[]`)}, api.ErrBadRequest},
		"an unprintable name":        {api.PutRequest{Catalog: none, Target: none, EventType: "natster_initialized", Data: json.RawMessage(`{"account_name":"a\u001b[2J","account_key":"` + alice.String() + `"}`)}, api.ErrBadRequest},
		"a catalog where none is":    {api.PutRequest{Catalog: "films", Target: none, EventType: "natster_initialized", Data: about(alice)}, api.ErrBadRequest},
		"a share":                    {api.PutRequest{Catalog: "films", Target: bob.String(), EventType: "catalog_shared"}, nil},
		"a share with oneself":       {api.PutRequest{Catalog: "films", Target: alice.String(), EventType: "catalog_shared"}, api.ErrBadRequest},
		"a share with no account":    {api.PutRequest{Catalog: "films", Target: "bob", EventType: "catalog_shared"}, api.ErrBadRequest},
		"a share with none":          {api.PutRequest{Catalog: "films", Target: none, EventType: "catalog_shared"}, api.ErrBadRequest},
		"no target":                  {api.PutRequest{Catalog: "films", EventType: "catalog_shared"}, api.ErrBadRequest},
		"no catalog":                 {api.PutRequest{Target: bob.String(), EventType: "catalog_shared"}, api.ErrBadRequest},
		"a catalog called none":      {api.PutRequest{Catalog: none, Target: bob.String(), EventType: "catalog_shared"}, api.ErrBadRequest},
		"a catalog with a dot":       {api.PutRequest{Catalog: "a.b", Target: bob.String(), EventType: "catalog_shared"}, api.ErrBadRequest},
		"a catalog with a wildcard":  {api.PutRequest{Catalog: "*", Target: bob.String(), EventType: "catalog_unshared"}, api.ErrBadRequest},
		"a catalog with a space":     {api.PutRequest{Catalog: "a b", Target: bob.String(), EventType: "catalog_imported"}, api.ErrBadRequest},
		"no type":                    {api.PutRequest{Catalog: "films", Target: bob.String()}, api.ErrBadRequest},
		"an unknown type":            {api.PutRequest{Catalog: "films", Target: bob.String(), EventType: "catalog_burnt"}, api.ErrBadRequest},
		"a type that only functions": {api.PutRequest{Catalog: "films", Target: bob.String(), EventType: "context_bound"}, api.ErrBadRequest},
		"a type of old logs":         {api.PutRequest{Catalog: "films", Target: bob.String(), EventType: "catalog_claimed"}, api.ErrBadRequest},
	} {
		c, err := fromClient(alice, test.q)
		if !errors.Is(err, test.err) || (test.err == nil && (err != nil || c.Origin != alice)) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

func FuzzRequests(f *testing.F) {
	alice := eventstest.Account(f)
	f.Add("films", eventstest.Account(f).String(), "catalog_shared", []byte(`{}`))
	f.Add("none", "none", "natster_initialized", []byte(`{"account_key":"`+alice.String()+`"}`))
	f.Fuzz(func(t *testing.T, catalog, target, typ string, data []byte) {
		c, err := fromClient(alice, api.PutRequest{Catalog: catalog, Target: target, EventType: typ, Data: data})
		if err != nil {
			if !errors.Is(err, api.ErrBadRequest) && !errors.Is(err, api.ErrForbidden) {
				t.Errorf("an unknown error: %v", err)
			}
			return
		}
		if c.Origin != alice || c.Target == alice {
			t.Errorf("accepted %+v", c)
		}
		for _, filter := range c.Filters() {
			if strings.ContainsAny(filter, "> \t\n") || strings.Count(filter, ".") != 5 {
				t.Errorf("filter %q", filter)
			}
		}
	})
}
