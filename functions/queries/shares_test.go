package queries_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/functions/api"
	"natster/functions/view"
	"natster/internal/test/eventstest"
)

func TestMySharesAreThoseOfBothSides(t *testing.T) {
	h := start(t)
	alice, bob, carol := h.Key("alice"), h.Key("bob"), h.Key("carol")
	films, music := eventstest.Catalog(t, "films"), eventstest.Catalog(t, "music")
	if e := h.Ask(h.Account("alice").Conn(t), api.MyShares.Subject(), nil); e.Code != api.CodeOK ||
		string(e.Data) != "[]" {
		t.Errorf("no shares are %d %s", e.Code, e.Data)
	}
	h.ProjectShares(1, 9,
		view.Share{From: alice, Catalog: films, To: bob, Imported: true},
		view.Share{From: alice, Catalog: films, To: carol},
		view.Share{From: bob, Catalog: music, To: alice},
		view.Share{From: bob, Catalog: music, To: carol})
	h.serves(t, alice, films, 41)
	h.serves(t, bob, films, 42) // another catalog, though it is called the same
	got, err := h.Client("alice").Shares(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[api.Share]bool{
		{From: alice, To: bob, Catalog: films, Online: true, Revision: 41, Imported: true}: true,
		{From: alice, To: carol, Catalog: films, Online: true, Revision: 41}:               true,
		{From: bob, To: alice, Catalog: music}:                                             true,
	}
	for _, s := range got {
		if !want[s] {
			t.Errorf("alice sees %+v", s)
		}
		delete(want, s)
	}
	for s := range want {
		t.Errorf("alice does not see %+v", s)
	}
	if p := h.Client("alice").Position(); p != 9 {
		t.Errorf("the answer reflects position %d", p)
	}
}

func TestAShareTakenBackIsNotShown(t *testing.T) {
	h := start(t)
	alice, bob, films := h.Key("alice"), h.Key("bob"), eventstest.Catalog(t, "films")
	h.ProjectShares(1, 9, view.Share{From: alice, Catalog: films, To: bob})
	for _, key := range []string{view.ShareByKey(alice, films, bob), view.ShareToKey(bob, alice, films)} {
		m := &nats.Msg{Subject: view.Shares.Subject(view.DocKey(1, key)), Header: nats.Header{"KV-Operation": {"DEL"}}}
		if _, err := h.JS.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range []api.SharesRequest{{}, {Limit: 1}, {Limit: 100}} {
		got, err := api.Call(t.Context(), h.Client("bob"), api.MyShares, q)
		if err != nil || len(got) != 0 || got == nil {
			t.Errorf("%+v: %v, %v", q, got, err)
		}
	}
}

func (h *house) many(t testing.TB, generation, position uint64, n, m int) map[string]bool {
	t.Helper()
	alice, films := h.Key("alice"), eventstest.Catalog(t, "films")
	var shares []view.Share
	all := make(map[string]bool)
	for i, a := range strangers(t, n+m) {
		s := view.Share{From: alice, Catalog: films, To: a}
		if i >= n {
			s.From, s.To = a, alice
		}
		shares = append(shares, s)
		all[s.From.String()+s.To.String()] = true
	}
	h.ProjectShares(generation, position, shares...)
	return all
}

func TestThreeThousandSharesComeInPages(t *testing.T) {
	h := start(t)
	want := h.many(t, 1, 1, 1700, 1300)
	films := eventstest.Catalog(t, "films")
	h.serves(t, h.Key("alice"), films, 41)
	for _, q := range []api.SharesRequest{{}, {Limit: 5000}, {Limit: 333}} {
		left := make(map[string]bool, len(want))
		for k := range want {
			left[k] = true
		}
		pages, nc := 0, h.Account("alice").Conn(t)
		for {
			pages++
			body, err := json.Marshal(q)
			if err != nil {
				t.Fatal(err)
			}
			m, err := nc.RequestWithContext(t.Context(), api.MyShares.Subject(), body)
			if err != nil {
				t.Fatal(err)
			}
			data, err := api.DecodeReply(m.Data)
			if err != nil {
				t.Fatal(err)
			}
			var page []api.Share
			if err := json.Unmarshal(data, &page); err != nil {
				t.Fatal(err)
			}
			if q.Limit > 0 && len(page) > q.Limit {
				t.Errorf("limit %d: a page of %d", q.Limit, len(page))
			}
			for _, s := range page {
				if k := s.From.String() + s.To.String(); !left[k] {
					t.Errorf("limit %d: %+v is met twice", q.Limit, s)
				} else {
					delete(left, k)
				}
				if s.Online != (s.From == h.Key("alice")) {
					t.Fatalf("limit %d: %+v", q.Limit, s)
				}
			}
			if q.After = m.Header.Get(api.HeaderNext); q.After == "" {
				break
			}
		}
		if len(left) != 0 || pages < 3 {
			t.Errorf("limit %d: %d shares are missing after %d pages", q.Limit, len(left), pages)
		}
	}
	all, err := h.Client("alice").Shares(t.Context())
	if err != nil || len(all) != len(want) {
		t.Errorf("the client sees %d shares, %v", len(all), err)
	}
}

func TestPagesBeginAgainAfterARebuild(t *testing.T) {
	h := start(t)
	h.many(t, 1, 5, 3, 2)
	call := func(q api.SharesRequest) (api.Envelope, string) {
		body, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		m, err := h.Account("alice").Conn(t).RequestWithContext(t.Context(), api.MyShares.Subject(), body)
		if err != nil {
			t.Fatal(err)
		}
		var e api.Envelope
		if err := json.Unmarshal(m.Data, &e); err != nil {
			t.Fatal(err)
		}
		return e, m.Header.Get(api.HeaderNext)
	}
	_, next := call(api.SharesRequest{Limit: 4})
	if next == "" {
		t.Fatal("there is no second page")
	}
	h.many(t, 2, 6, 4, 2)
	e, _ := call(api.SharesRequest{After: next, Limit: 100})
	var page []api.Share
	if err := json.Unmarshal(e.Data, &page); err != nil || e.Code != api.CodeOK || len(page) != 6 {
		t.Errorf("the page after a rebuild has %d shares, %v", len(page), err)
	}
}

func TestHostileCursors(t *testing.T) {
	h := start(t)
	h.many(t, 1, 5, 3, 2)
	nc := h.Account("alice").Conn(t)
	for body, want := range map[string]api.Code{
		`{"after":"1:by:18446744073709551615"}`:          200,
		`{"after":"1:to:18446744073709551615"}`:          200,
		`{"after":"18446744073709551615:to:1"}`:          200,
		`{"after":"0:by:1"}`:                             200,
		`{"after":"1:by:0"}`:                             400,
		`{"after":"1:by.>:1"}`:                           400,
		`{"after":"*:by:1"}`:                             400,
		`{"after":"' OR 1=1"}`:                           400,
		`{"after":"\u0000"}`:                             400,
		`{"after":7}`:                                    400,
		`{"limit":-1}`:                                   400,
		`{"limit":1e99}`:                                 400,
		`{"limit":9223372036854775807}`:                  200,
		`{"after":"` + strings.Repeat("1", 50000) + `"}`: 400,
	} {
		if e := h.Ask(nc, api.MyShares.Subject(), []byte(body)); e.Code != want {
			t.Errorf("%.60s: %d %s", body, e.Code, e.Error)
		}
	}
}
