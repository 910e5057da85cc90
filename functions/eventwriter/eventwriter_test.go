package eventwriter_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/eventwriter"
	"natster/internal/jet"
	"natster/internal/test/eventstest"
	"natster/internal/test/worldtest"
)

func start(t *testing.T) *worldtest.World {
	t.Helper()
	return worldtest.Start(t, worldtest.Running(eventwriter.New(eventwriter.Config{})))
}

// initialized is an account that has been introduced, and its client.
func initialized(t *testing.T, w *worldtest.World, name string) (*worldtest.Account, *api.Client) {
	t.Helper()
	a := w.Account(name)
	c := api.NewClient(a.Conn(t))
	if err := c.Initialize(t.Context(), a.Key, "", name); err != nil {
		t.Fatal(err)
	}
	return a, c
}

// history is the log as types, in order.
func history(t *testing.T, w *worldtest.World) []events.Envelope {
	t.Helper()
	nc, err := w.Admin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	host, err := functions.Open(nc, jet.Own)
	if err != nil {
		t.Fatal(err)
	}
	var all []events.Envelope
	if _, err := host.Log.Replay(t.Context(), 1, 0, func(e events.Envelope, err error) error {
		all = append(all, e)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAShareIsLoggedOnceAndItsPositionIsTold(t *testing.T) {
	w := start(t)
	alice, ac := initialized(t, w, "alice")
	bob, bc := initialized(t, w, "bob")
	films := eventstest.Catalog(t, "films")
	for range 2 {
		if err := ac.Share(t.Context(), films, bob.Key); err != nil {
			t.Fatal(err)
		}
	}
	if ac.Position() != 3 { // alice, bob, the share
		t.Errorf("position %d", ac.Position())
	}
	if err := bc.Imported(t.Context(), films, alice.Key); err != nil {
		t.Fatal(err)
	}
	var types []events.Type
	for _, e := range history(t, w) {
		types = append(types, e.Type)
	}
	want := []events.Type{events.Initialized, events.Initialized, events.Shared, events.Imported}
	if len(types) != len(want) {
		t.Fatalf("the log is %v", types)
	}
	for i := range want {
		if types[i] != want[i] {
			t.Errorf("the log is %v", types)
		}
	}
}

func TestManyAccountsShareACatalogOfOneName(t *testing.T) {
	w := start(t)
	guest, _ := initialized(t, w, "guest")
	films := eventstest.Catalog(t, "films")
	var all sync.WaitGroup
	for i := range 8 {
		_, c := initialized(t, w, string(rune('a'+i)))
		all.Go(func() {
			if err := c.Share(t.Context(), films, guest.Key); err != nil {
				t.Errorf("share: %v", err)
			}
		})
	}
	all.Wait()
}

func TestANameThatAnOldLogHasClaimedIsFreeForOthers(t *testing.T) {
	w := start(t)
	alice, _ := initialized(t, w, "alice")
	_, bc := initialized(t, w, "bob")
	films := eventstest.Catalog(t, "films")
	nc, err := w.Admin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	claim := events.WithData(events.Event{ID: "old", Time: time.Now().UTC(), Type: events.Claimed, Catalog: films},
		events.ClaimedData{Owner: alice.Key})
	m, err := events.Encode(claim)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.PublishMsg(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if err := bc.Share(t.Context(), films, alice.Key); err != nil {
		t.Errorf("bob shares what alice once claimed: %v", err)
	}
}

func TestOneAccountSharesInParallelAndNothingIsLostOrTwice(t *testing.T) {
	w := start(t)
	_, ac := initialized(t, w, "alice")
	bob, _ := initialized(t, w, "bob")
	films := eventstest.Catalog(t, "films")
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if err := ac.Share(t.Context(), films, bob.Key); err != nil {
				t.Errorf("share: %v", err)
			}
		})
	}
	all.Wait()
	if got := len(history(t, w)); got != 3 {
		t.Errorf("the log has %d events", got)
	}
}

// said is what the log has of shares, in order.
func said(t *testing.T, w *worldtest.World) (types []events.Type) {
	t.Helper()
	for _, e := range history(t, w) {
		if e.Type != events.Initialized {
			types = append(types, e.Type)
		}
	}
	return types
}

// Each is appended on the condition that the one before is the last said between the two about the catalog.
func TestAShareIsTakenBackAndGivenAgain(t *testing.T) {
	w := start(t)
	_, ac := initialized(t, w, "alice")
	bob, _ := initialized(t, w, "bob")
	films := eventstest.Catalog(t, "films")
	for _, step := range []func() error{
		func() error { return ac.Share(t.Context(), films, bob.Key) },
		func() error { return ac.Unshare(t.Context(), films, bob.Key) },
		func() error { return ac.Share(t.Context(), films, bob.Key) },
		func() error { return ac.Unshare(t.Context(), films, bob.Key) },
	} {
		if err := step(); err != nil {
			t.Error(err)
		}
	}
	want := []events.Type{events.Shared, events.Unshared, events.Shared, events.Unshared}
	if got := said(t, w); !slices.Equal(got, want) {
		t.Errorf("the log is %v", got)
	}
}

// However shares and their ends race, each event in the log changes something: nothing is said twice in a row.
func TestSharesThatRaceTheirEndsAlternate(t *testing.T) {
	w := start(t)
	_, ac := initialized(t, w, "alice")
	bob, _ := initialized(t, w, "bob")
	films := eventstest.Catalog(t, "films")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			put := ac.Share
			if i%2 == 1 {
				put = ac.Unshare
			}
			for range 25 {
				if err := put(t.Context(), films, bob.Key); err != nil &&
					!errors.Is(err, api.ErrUnavailable) { // too many at once
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	got := said(t, w)
	for i, e := range got {
		if want := []events.Type{events.Shared, events.Unshared}[i%2]; e != want {
			t.Fatalf("event %d is %s: %v", i, e, got)
		}
	}
	if len(got) < 3 {
		t.Errorf("nothing raced: %v", got)
	}
}

func TestFunctionsPutOnlyOverTheInternalSubject(t *testing.T) {
	w := start(t)
	alice, ac := initialized(t, w, "alice")
	internal := api.PutInternal(alice.Key.String(), events.Bound)
	q := api.PutRequest{Data: []byte(`{"oauth_id":"github|1","context_ref":"x"}`)}
	if _, err := api.Call(t.Context(), ac, internal, q); !errors.Is(err, api.ErrUnavailable) {
		t.Errorf("a user reaches the internal subject: %v", err)
	}
	nc := w.InFunction("eventwriter")
	if _, err := api.Call(t.Context(), api.NewClient(nc), internal, q); err != nil {
		t.Errorf("a function: %v", err)
	}
	carol := w.Account("carol").Key
	initialize := api.PutInternal(carol.String(), events.Initialized)
	q = api.PutRequest{
		Catalog: events.None, Target: events.None, EventType: string(events.Initialized),
		Data: []byte(`{"account_name":"carol","account_key":"` + carol.String() + `"}`),
	}
	if _, err := api.Call(t.Context(), api.NewClient(nc), initialize, q); !errors.Is(err, api.ErrBadRequest) {
		t.Errorf("a function initializes an account: %v", err)
	}
}

func TestManyNewNamesAtOnceAreAllShared(t *testing.T) {
	w := start(t)
	_, ac := initialized(t, w, "alice")
	bob, _ := initialized(t, w, "bob")
	const n = 100
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if err := ac.Share(t.Context(), eventstest.Catalog(t, "films"+strconv.Itoa(i)), bob.Key); err != nil {
				t.Errorf("share: %v", err)
			}
		})
	}
	all.Wait()
	if got := len(history(t, w)); got != 2+n {
		t.Errorf("the log has %d events", got)
	}
}

func TestANewcomerWhoHasSeenAPositionNeedsOneRead(t *testing.T) {
	w := start(t)
	initialized(t, w, "alice")
	nc, err := w.Admin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	reads, err := nc.SubscribeSync("$JS.API.DIRECT.GET." + events.LogStream)
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	bob := w.Account("bob")
	c := api.NewClient(bob.Conn(t))
	c.Observe(1)
	if err := c.Initialize(t.Context(), bob.Key, "", "bob"); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if n, _, err := reads.Pending(); n != 1 || err != nil {
		t.Errorf("%d reads of the log: %v", n, err)
	}
}

func TestALogThatDoesNotAnswerIsTheOperatorsStory(t *testing.T) {
	w := start(t)
	alice, ac := initialized(t, w, "alice")
	nc, err := w.Admin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(t.Context(), events.LogStream); err != nil {
		t.Fatal(err)
	}
	bob := w.Account("bob")
	err = ac.Share(t.Context(), eventstest.Catalog(t, "films"), bob.Key)
	if !errors.Is(err, api.ErrUnavailable) || strings.Contains(err.Error(), events.LogStream) {
		t.Errorf("the caller is told %q", err)
	}
	if log := w.Log(); !strings.Contains(log, "the event log does not answer") ||
		!strings.Contains(log, alice.Key.String()) {
		t.Errorf("the operator is told\n%s", log)
	}
}

// Whoever may read a stream can have the server copy its messages onto any subject of the account.
func TestACopyOfAnEventIsNoEvent(t *testing.T) {
	w := start(t)
	alice, ac := initialized(t, w, "alice")
	bob, _ := initialized(t, w, "bob")
	if err := ac.Share(t.Context(), eventstest.Catalog(t, "films"), bob.Key); err != nil {
		t.Fatal(err)
	}
	nc, err := w.Admin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for range 2 {
		if _, err := api.Call(t.Context(), api.NewClient(w.InFunction("eventwriter")),
			api.PutInternal(alice.Key.String(), events.Bound),
			api.PutRequest{Data: []byte(`{"oauth_id":"github|1","context_ref":"x"}`)}); err != nil {
			t.Fatal(err)
		}
	}
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	log, err := js.Stream(t.Context(), events.LogStream)
	if err != nil {
		t.Fatal(err)
	}
	for position := range uint64(5) {
		m, err := log.GetMsg(t.Context(), position+1)
		if err != nil {
			t.Fatal(err)
		}
		m.Header.Del(nats.MsgIdHdr) // the stream forgets which it has seen, after a while
		if _, err := js.PublishMsg(t.Context(),
			&nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Data}); err == nil {
			t.Errorf("%s was appended again", m.Subject)
		}
	}
}
