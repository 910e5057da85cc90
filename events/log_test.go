package events_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"natster/events"
	"natster/internal/jet"
	"natster/internal/test/eventstest"
	"natster/internal/test/logtest"
	"natster/internal/test/worldtest"
)

// openLog is the event log of a fresh world without functions.
func openLog(t testing.TB) (*events.Log, jetstream.JetStream) {
	t.Helper()
	return openLogAs(t, events.LogConfig(1))
}

func openLogAs(t testing.TB, config jetstream.StreamConfig) (*events.Log, jetstream.JetStream) {
	t.Helper()
	w := worldtest.Start(t, worldtest.Bare)
	nc, err := w.Admin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	direct, err := jet.NewDirect(nc, jet.Own)
	if err != nil {
		t.Fatal(err)
	}
	return events.NewLog(js, direct), js
}

func event(e events.Event) events.Event {
	e.ID, e.Time = nuid.Next(), time.Now()
	return e
}

func TestAnAppendIsConditional(t *testing.T) {
	log, _ := openLog(t)
	alice, bob, films := eventstest.Account(t), eventstest.Account(t), eventstest.Catalog(t, "films")
	share := events.Event{Type: events.Shared, Origin: alice, Target: bob, Catalog: films}
	edge := events.LogEdge(alice, bob, films)

	first, err := log.Append(t.Context(), events.Append{Event: event(share), Filter: edge})
	if err != nil || first != 1 {
		t.Fatalf("first append: %d, %v", first, err)
	}
	if _, err := log.Append(t.Context(), events.Append{Event: event(share), Filter: edge}); !errors.Is(err,
		jet.ErrConflict) {
		t.Fatalf("an append that knows of nothing: %v", err)
	}
	share.Type = events.Unshared
	if second, err := log.Append(t.Context(), events.Append{Event: event(share), Filter: edge,
		Last: first}); err != nil || second != 2 {
		t.Fatalf("an append that knows the last: %d, %v", second, err)
	}
	last, err := log.LastSince(t.Context(), 0, edge)
	if err != nil || len(last) != 2 || last[1].Type != events.Unshared || last[1].Position != 2 {
		t.Fatalf("the last of each subject: %+v, %v", last, err)
	}
}

func TestOfManyWhoClaimANameOneWins(t *testing.T) {
	log, _ := openLog(t)
	films := eventstest.Catalog(t, "films")
	var wins, conflicts atomic.Int64
	var racers sync.WaitGroup
	for range 32 {
		racers.Go(func() {
			me := eventstest.Account(t)
			claim := events.WithData(events.Event{Type: events.Claimed, Catalog: films}, events.ClaimedData{Owner: me})
			switch _, err := log.Append(t.Context(), events.Append{Event: event(claim)}); {
			case err == nil:
				wins.Add(1)
			case errors.Is(err, jet.ErrConflict):
				conflicts.Add(1)
			default:
				t.Errorf("append: %v", err)
			}
		})
	}
	racers.Wait()
	if wins.Load() != 1 || conflicts.Load() != 31 {
		t.Errorf("%d won, %d lost", wins.Load(), conflicts.Load())
	}
	all, err := log.LastSince(t.Context(), 0, events.LogAll)
	if err != nil || len(all) != 1 {
		t.Errorf("the losers left something behind: %+v, %v", all, err)
	}
}

func TestReplayReadsEverythingOnceAndInOrder(t *testing.T) {
	log, js := openLogAs(t, logtest.Config())
	const n = 10_000 // more than two batches
	if _, err := logtest.Fill(t.Context(), js.Conn(),
		logtest.Shape{Events: n, Accounts: 100, Seed: 1}.Log()); err != nil {
		t.Fatal(err)
	}
	for _, span := range []struct{ from, to, last uint64 }{{1, 0, n}, {n - 10, 0, n}, {5, 4100, 4100}, {7, 7, 7},
		{n + 1, 0, n}, {3, 2, 2}} {
		next := span.from
		last, err := log.Replay(t.Context(), span.from, span.to, func(e events.Envelope, err error) error {
			if err != nil || e.Position != next {
				t.Errorf("got %d, want %d: %v", e.Position, next, err)
			}
			next++
			return nil
		})
		if err != nil || last != span.last || next != span.last+1 {
			t.Errorf("replay %d to %d ended at %d (%d): %v", span.from, span.to, last, next, err)
		}
	}
}

func TestACopyIsReadWhereItIsAndNotWhereItCameFrom(t *testing.T) {
	log, js := openLog(t)
	copied := nats.Header{nats.JSStream: {events.LogStream}, nats.JSSubject: {"natster.events.a.b.c.original"},
		nats.JSSequence: {"77"}, nats.JSTimeStamp: {"2020-01-01T00:00:00Z"}}
	if _, err := js.PublishMsg(t.Context(), &nats.Msg{Subject: "natster.events.a.b.c.d", Header: copied}); err != nil {
		t.Fatal(err)
	}
	last, err := log.Replay(t.Context(), 1, 0, func(e events.Envelope, _ error) error {
		if e.Position != 1 {
			t.Errorf("position %d", e.Position)
		}
		return nil
	})
	if err != nil || last != 1 {
		t.Errorf("replay ended at %d: %v", last, err)
	}
}

func TestReplayReportsWhatIsNoEvent(t *testing.T) {
	log, js := openLog(t)
	if _, err := js.Publish(t.Context(), "natster.events.a.b.c.d", []byte("garbage")); err != nil {
		t.Fatal(err)
	}
	var reported error
	last, err := log.Replay(t.Context(), 1, 0, func(e events.Envelope, err error) error {
		reported = err
		return nil
	})
	if err != nil || last != 1 || !errors.Is(reported, events.ErrEvent) {
		t.Errorf("last %d, %v, reported %v", last, err, reported)
	}
}

func TestTooManySubjectsForOneReadIsAnError(t *testing.T) {
	log, _ := openLog(t)
	for range jet.MaxLast + 1 {
		e := event(events.Event{Type: events.Initialized, Origin: eventstest.Account(t)})
		if _, err := log.Append(t.Context(), events.Append{Event: e}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := log.LastSince(t.Context(), 0, events.LogAll); !errors.Is(err, jet.ErrTooMany) {
		t.Errorf("got %v", err)
	}
}

func TestAReadWaitsForWhatItsCallerHasSeen(t *testing.T) {
	log, _ := openLog(t)
	alice := eventstest.Account(t)
	initialized := events.Event{Type: events.Initialized, Origin: alice}
	appended := make(chan error, 1)
	go func() {
		_, err := log.Append(t.Context(), events.Append{Event: event(initialized)})
		appended <- err
	}()
	last, err := log.LastSince(t.Context(), 1, events.LogAll)
	if err != nil || len(last) != 1 || last[0].Origin != alice {
		t.Errorf("as of position 1: %+v, %v", last, err)
	}
	if err := <-appended; err != nil {
		t.Fatal(err)
	}
	if last, err = log.LastSince(t.Context(), 1_000_000, events.LogAll); err != nil || len(last) != 1 {
		t.Errorf("as of a position that the log does not have: %+v, %v", last, err)
	}
}
