package functionstest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions/api"
	"natster/functions/eventwriter"
	"natster/internal/test/functionstest"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
)

// An original is a client as existing programs are: plain JSON, no headers, nothing remembered between two requests.
type original struct {
	t   *testing.T
	nc  *nats.Conn
	key string
}

func (o original) ask(subject, body string) api.Envelope {
	o.t.Helper()
	m, err := o.nc.Request("natster.global."+subject, []byte(body), wait.Patience)
	if err != nil {
		o.t.Fatalf("%s: %v", subject, err)
	}
	var e api.Envelope
	if err := json.Unmarshal(m.Data, &e); err != nil {
		o.t.Fatalf("%s: %v: %s", subject, err, m.Data)
	}
	return e
}

// put must be accepted.
func (o original) put(typ, catalog, target, data string) {
	o.t.Helper()
	body := fmt.Sprintf(`{"catalog":%q,"target":%q,"event_type":%q%s}`, catalog, target, typ, data)
	if e := o.ask("events.put", body); e.Code != api.CodeOK {
		o.t.Fatalf("%s: %d %s", typ, e.Code, e.Error)
	}
}

func newOriginal(t *testing.T, w *worldtest.World, name string) original {
	t.Helper()
	a := w.Account(name)
	o := original{t, a.Conn(t), a.Key.String()}
	o.put("natster_initialized", "none", "none",
		fmt.Sprintf(`,"data":{"account_id":"1","account_name":%q,"account_key":%q}`, name, o.key))
	return o
}

func (o original) shares() (all []map[string]any) {
	o.t.Helper()
	e := o.ask("my.shares", "")
	if err := json.Unmarshal(e.Data, &all); err != nil || e.Code != api.CodeOK {
		o.t.Fatalf("my.shares: %d %s: %v", e.Code, e.Error, err)
	}
	return all
}

func TestAnOriginalClientSeesAtOnceWhatItHasPut(t *testing.T) {
	w := worldtest.Start(t)
	alice := newOriginal(t, w, "alice")
	w.Initialize(w.Account("bob"))
	bob := w.Account("bob").Key.String()
	if e := alice.ask("whoami", ""); e.Code != api.CodeOK {
		t.Errorf("whoami after the initialization: %d %s", e.Code, e.Error)
	}
	has := func(name string) bool {
		for _, s := range alice.shares() {
			if s["catalog"] == name && s["to_account"] == bob && s["from_account"] == alice.key {
				return true
			}
		}
		return false
	}
	const n = 60
	missing := 0
	for i := range n {
		name := fmt.Sprintf("films%d", i)
		alice.put("catalog_shared", name, bob, "")
		if !has(name) {
			missing++
		}
	}
	if missing > 0 {
		t.Errorf("%d of %d shares are missing from the query that follows at once", missing, n)
	}
	alice.put("catalog_unshared", "films0", bob, "")
	if has("films0") {
		t.Error("a share that was taken back is still there")
	}
	if e := alice.ask("catalogs.validatename",
		"films1"); string(e.Data) != `{"valid":false,"message":"you already share a catalog called films1"}` {
		t.Errorf("validatename: %s", e.Data)
	}
}

// A put waits for the projections, but not for ever: what a busy machine answers late, or tells to try again, proves
// nothing.
func TestManyPutsOfOneOriginalAtOnceAreSeenAtOnce(t *testing.T) {
	w := worldtest.Start(t)
	alice := newOriginal(t, w, "alice")
	w.Initialize(w.Account("bob"))
	bob := w.Account("bob").Key.String()
	const n, late = 100, 1500 * time.Millisecond // when a put is answered whatever the projections have
	ask := func(subject, body string) (e api.Envelope, err error) {
		for e.Code = api.CodeUnavailable; e.Code == api.CodeUnavailable && err == nil; {
			var m *nats.Msg
			if m, err = alice.nc.Request("natster.global."+subject, []byte(body), wait.Patience); err == nil {
				err = json.Unmarshal(m.Data, &e)
			}
		}
		return e, err
	}
	var missing, slow atomic.Int64
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			name := fmt.Sprintf("films%d", i)
			body := fmt.Sprintf(`{"catalog":%q,"target":%q,"event_type":"catalog_shared"}`, name, bob)
			began := time.Now()
			put, err := ask("events.put", body)
			inTime := time.Since(began) < late
			if err != nil || put.Code != api.CodeOK {
				t.Errorf("%s: %d %s, %v", name, put.Code, put.Error, err)
			}
			shares, err := ask("my.shares", "")
			switch {
			case err != nil || shares.Code != api.CodeOK:
				t.Errorf("my.shares: %d %s, %v", shares.Code, shares.Error, err)
			case strings.Contains(string(shares.Data), `"`+name+`"`):
			case inTime:
				missing.Add(1)
			default:
				slow.Add(1)
			}
		})
	}
	all.Wait()
	if missing.Load() > 0 {
		t.Errorf("%d of %d shares are missing from the query that follows at once", missing.Load(), n)
	}
	t.Logf("%d of %d are missing after a put that took %s or longer", slow.Load(), n, late)
}

func TestAPutIsAnsweredWhenTheProjectionsStandStill(t *testing.T) {
	b := functionstest.Bare(t)
	b.Run(eventwriter.New(eventwriter.Config{}))
	began := time.Now()
	newOriginal(t, b.World, "alice")
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("after %s", took)
	}
}

func TestTwoFriendsOfAnOriginalClientHaveCatalogsOfOneName(t *testing.T) {
	w := worldtest.Start(t)
	alice, bob, carol := newOriginal(t, w, "alice"), newOriginal(t, w, "bob"), newOriginal(t, w, "carol")
	for _, friend := range []original{alice, bob} {
		friend.put("catalog_shared", "films", carol.key, "")
		if e := friend.ask("heartbeats.put", fmt.Sprintf(`{"catalog":"films","account_key":%q,"revision":1732082400}`,
			friend.key)); e.Code != api.CodeOK {
			t.Errorf("a heartbeat: %d %s", e.Code, e.Error)
		}
	}
	from := make(map[any]any)
	for _, s := range carol.shares() {
		if s["catalog"] == "films" && s["catalog_online"] == true {
			from[s["from_account"]] = s["revision"]
		}
	}
	if len(from) != 2 || from[alice.key] != 1732082400.0 || from[bob.key] != 1732082400.0 {
		t.Errorf("carol sees films of %v", from)
	}
	for _, friend := range []string{alice.key, bob.key} {
		carol.put("catalog_imported", "films", friend, "")
	}
}

func TestAnOriginalFunctionThatHasNothingToSaySaysAnEmptyString(t *testing.T) {
	w := worldtest.Start(t, worldtest.Bare)
	nc := w.In(w.Accounts().Global)
	if _, err := nc.Subscribe(events.GlobalService(">"), func(m *nats.Msg) {
		if err := m.Respond([]byte(`{"code":200,"data":""}`)); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	alice := w.Account("alice")
	c := api.NewClient(alice.Conn(t))
	if err := c.Initialize(t.Context(), alice.Key, "1", "alice"); err != nil {
		t.Errorf("init: %v", err)
	}
	if all, err := c.Shares(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("my.shares: %v, %v", all, err)
	}
	if _, err := c.Totals(t.Context()); err != nil {
		t.Errorf("stats: %v", err)
	}
}

func TestAShareTakenBackAndGivenAgainIsStillImported(t *testing.T) {
	w := worldtest.Start(t)
	alice, bob := newOriginal(t, w, "alice"), newOriginal(t, w, "bob")
	alice.put("catalog_shared", "films", bob.key, "")
	bob.put("catalog_imported", "films", alice.key, "")
	state := func() string {
		for _, s := range bob.shares() {
			if s["catalog"] == "films" {
				return fmt.Sprint("imported ", s["imported"])
			}
		}
		return "none"
	}
	got := state()
	alice.put("catalog_unshared", "films", bob.key, "")
	got += ", " + state()
	alice.put("catalog_shared", "films", bob.key, "")
	if got += ", " + state(); got != "imported true, none, imported true" {
		t.Error(got)
	}
	if e := alice.ask("stats", ""); e.Code != api.CodeOK {
		t.Error(e.Error)
	}
}
