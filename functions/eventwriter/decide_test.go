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

	aliceIs, bobIs := initialized(alice), initialized(bob)
	shared, unshared := about(events.Shared, alice, bob), about(events.Unshared, alice, bob)
	imported := about(events.Imported, bob, alice)
	other, otherGone := about(events.Shared, bob, alice), about(events.Unshared, bob, alice) // bob's own films
	otherImported := about(events.Imported, alice, bob)
	share, unshare := cmd(events.Shared, alice, bob), cmd(events.Unshared, alice, bob)
	imports := cmd(events.Imported, bob, alice)
	bind := Command{Type: events.Bound, Origin: alice, Bound: events.BoundData{OAuthID: "x", ContextRef: "y"}}
	initialize := Command{Type: events.Initialized, Origin: alice}
	for _, test := range []struct {
		name  string
		given []events.Event
		when  Command
		then  []events.Type
		err   error
	}{
		{"a new account", given(), initialize, then(events.Initialized), nil},
		{"a second initialization", given(aliceIs), initialize, nil, api.ErrBadRequest},
		{"a share by a stranger", given(), share, nil, api.ErrBadRequest},
		{"a share", given(aliceIs, bobIs), share, then(events.Shared), nil},
		{"a share twice", given(aliceIs, shared), share, nil, nil},
		{"a share with who is not initialized", given(aliceIs), share, nil, api.ErrNotFound},
		{"a share that an old log has, with who is not initialized", given(aliceIs, shared), share, nil, nil},
		{"a share after an unshare", given(aliceIs, bobIs, shared, unshared), share, then(events.Shared), nil},
		{"an unshare", given(aliceIs, shared), unshare, then(events.Unshared), nil},
		{"an unshare of what is not shared", given(aliceIs), unshare, nil, nil},
		{"an import", given(bobIs, shared), imports, then(events.Imported), nil},
		{"an import of what is not shared", given(bobIs), imports, nil, api.ErrForbidden},
		{"an import after an unshare", given(bobIs, shared, unshared), imports, nil, api.ErrForbidden},
		{"an import twice", given(bobIs, shared, imported), imports, nil, nil},
		{"an import, when the same name was given and taken the other way", given(bobIs, shared, other, otherGone),
			imports, then(events.Imported), nil},
		{"an import, when the other has imported the same name", given(bobIs, shared, other, otherImported),
			imports, then(events.Imported), nil},
		{"an import, when the same name is shared the other way only", given(bobIs, other), imports, nil,
			api.ErrForbidden},
		{"an import of what was shared anew", given(bobIs, imported, shared), imports, then(events.Imported), nil},
		{"a binding", given(aliceIs), bind, then(events.Bound), nil},
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
	about := func(a events.Account) string {
		return `{"account_id":"1","account_name":"alice","account_key":"` + a.String() + `"}`
	}
	const none, start = events.None, "natster_initialized"
	put := func(t, catalog, target string, data ...string) api.PutRequest {
		body := json.RawMessage(strings.Join(data, ""))
		return api.PutRequest{Catalog: catalog, Target: target, EventType: t, Data: body}
	}
	toBob := func(t, catalog string) api.PutRequest { return put(t, catalog, bob.String()) }
	called := func(name, id string) api.PutRequest {
		d, err := json.Marshal(events.InitializedData{AccountName: name, AccountID: id, AccountKey: alice})
		if err != nil {
			t.Fatal(err)
		}
		return put(start, none, none, string(d))
	}
	const bidi = "a\u202eb"
	for name, test := range map[string]struct {
		q   api.PutRequest
		err error
	}{
		"an initialization":          {put(start, none, none, about(alice)), nil},
		"another's key in the data":  {put(start, none, none, about(bob)), api.ErrForbidden},
		"no data":                    {put(start, none, none), api.ErrBadRequest},
		"data of the wrong type":     {put(start, none, none, `[]`), api.ErrBadRequest},
		"an unprintable name":        {called("a\x1b[2J", ""), api.ErrBadRequest},
		"a name that turns around":   {called(bidi, ""), api.ErrBadRequest},
		"an id that turns around":    {called("alice", bidi), api.ErrBadRequest},
		"a name of fillers":          {called("\u3164\u3164", ""), api.ErrBadRequest},
		"a name with a filler":       {called("alice\u115f", ""), api.ErrBadRequest},
		"a name of bare marks":       {called("\u0301\u0308", ""), api.ErrBadRequest},
		"a name of spaces":           {called("  ", ""), api.ErrBadRequest},
		"an id of blank Braille":     {called("alice", "\u2800"), api.ErrBadRequest},
		"a name of another script":   {called("ศรี \u2764\ufe0f e\u0301", ""), nil},
		"no name and no id":          {called("", ""), nil},
		"a long name":                {called(strings.Repeat("a", maxLabel), ""), nil},
		"a longer name":              {called(strings.Repeat("a", maxLabel+1), ""), api.ErrBadRequest},
		"a longer id":                {called("", strings.Repeat("a", maxLabel+1)), api.ErrBadRequest},
		"a catalog where none is":    {put(start, "films", none, about(alice)), api.ErrBadRequest},
		"a share":                    {toBob("catalog_shared", "films"), nil},
		"a share with oneself":       {put("catalog_shared", "films", alice.String()), api.ErrBadRequest},
		"a share with no account":    {put("catalog_shared", "films", "bob"), api.ErrBadRequest},
		"a share with none":          {put("catalog_shared", "films", none), api.ErrBadRequest},
		"no target":                  {put("catalog_shared", "films", ""), api.ErrBadRequest},
		"no catalog":                 {toBob("catalog_shared", ""), api.ErrBadRequest},
		"a catalog called none":      {toBob("catalog_shared", none), api.ErrBadRequest},
		"a catalog with a dot":       {toBob("catalog_shared", "a.b"), api.ErrBadRequest},
		"a catalog with a wildcard":  {toBob("catalog_unshared", "*"), api.ErrBadRequest},
		"a catalog with a space":     {toBob("catalog_imported", "a b"), api.ErrBadRequest},
		"no type":                    {toBob("", "films"), api.ErrBadRequest},
		"an unknown type":            {toBob("catalog_burnt", "films"), api.ErrBadRequest},
		"a type that only functions": {toBob("context_bound", "films"), api.ErrBadRequest},
		"a type of old logs":         {toBob("catalog_claimed", "films"), api.ErrBadRequest},
	} {
		c, err := fromClient(alice, test.q)
		if !errors.Is(err, test.err) || (test.err == nil && (err != nil || c.Origin != alice)) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

func TestFunctionsAskForWhatIsTheirsOnly(t *testing.T) {
	alice, bob := eventstest.Account(t), eventstest.Account(t)
	about := func(kind events.Type, data string) (Command, error) {
		return fromFunction(api.PutInternal(alice.String(), kind).Subject(),
			api.PutRequest{Catalog: "films", Target: bob.String(), EventType: string(kind), Data: []byte(data)})
	}
	for _, kind := range []events.Type{events.Shared, events.Unshared} {
		if c, err := about(kind, ""); err != nil || c.Origin != alice || c.Type != kind {
			t.Errorf("%s: %+v, %v", kind, c, err)
		}
	}
	if _, err := about(events.Bound, `{"oauth_id":"github|1","context_ref":"x"}`); err != nil {
		t.Errorf("a binding: %v", err)
	}
	for _, data := range []string{"", "{", `{"oauth_id":"github|1"}`, `{"context_ref":"x"}`} {
		if _, err := about(events.Bound, data); !errors.Is(err, api.ErrBadRequest) {
			t.Errorf("a binding with %q: %v", data, err)
		}
	}
	for _, kind := range []events.Type{events.Imported, events.Claimed, "", "other"} {
		if _, err := about(kind, ""); !errors.Is(err, api.ErrBadRequest) {
			t.Errorf("%q: %v", kind, err)
		}
	}
	if _, err := fromFunction("natster.internal.events.x.catalog_shared", api.PutRequest{}); err == nil {
		t.Error("an origin that is no account is accepted")
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
