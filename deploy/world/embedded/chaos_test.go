package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/deploy/world"
	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/projection"
	"natster/functions/view"
	"natster/internal/jet"
	"natster/internal/test/logtest"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
)

// documents are all documents of all projections as readers see them now.
func documents(t *testing.T, views *view.Reader) map[string][]byte {
	t.Helper()
	all := make(map[string][]byte)
	for _, b := range view.Projections() {
		s, err := views.Read(t.Context(), b, 0)
		if err != nil {
			t.Fatal(err)
		}
		for from := uint64(1); from != 0; {
			var page []view.Found
			if page, from, err = views.Page(t.Context(), b, s.Generation, ">", from, 1000); err != nil {
				t.Fatal(err)
			}
			for _, f := range page {
				if f.Value != nil {
					all[b.Name+" "+f.Key] = f.Value
				} else {
					delete(all, b.Name+" "+f.Key)
				}
			}
		}
	}
	return all
}

func TestProjectionsEqualAReplayWhicheverFunctionIsKilledWhenever(t *testing.T) {
	w := worldtest.Start(t, func(c *worldtest.Config) {
		most := functions.Limits{Changes: 1 << 20, ChangesAtOnce: 1 << 20, Shares: 1 << 24, Catalogs: 1 << 24}
		if err := world.WriteLimits(c.Dir, most); err != nil {
			t.Fatal(err)
		}
	})
	_, client := introduced(t, w, "alice")
	w.Introduce(20)
	admin := connected(t, w.Admin)
	wait.Eventually(t, "what the hub shares with all of them", func() bool {
		log, err := jetStream(t, admin).Stream(t.Context(), events.LogStream)
		return err == nil && log.CachedInfo().State.LastSeq >= 3+20+20
	})
	var names []string
	for _, f := range w.Functions() {
		names = append(names, f.Name)
	}

	// While alice shares and takes back, one function after the other is killed, each at some point of its work.
	ctx, stop := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	busy.Go(func() {
		r := rand.New(rand.NewPCG(1, 2))
		for i := 0; ctx.Err() == nil; i++ {
			films, to := logtest.Catalog(fmt.Sprint("films", i%3)), logtest.Account(r.IntN(20))
			do := client.Share
			if r.IntN(3) == 0 {
				do = client.Unshare
			}
			short, cancel := context.WithTimeout(ctx, 2*time.Second)
			if err := do(short, films, to); err != nil && !errors.Is(err, api.ErrUnavailable) && ctx.Err() == nil {
				t.Errorf("put: %v", err)
			}
			cancel()
		}
	})
	pulses := 0
	for range 2 {
		for _, name := range names {
			reached := client.Position() + 3
			if err := w.KillFunction(name); err != nil {
				t.Errorf("kill %s: %v", name, err)
			}
			for client.Position() < reached { // life goes on
				pulses++
				pulse := logtest.Catalog(fmt.Sprint("pulse", pulses)) // each is an event
				err := client.Share(t.Context(), pulse, logtest.Account(1))
				if err != nil && !errors.Is(err, api.ErrUnavailable) {
					t.Errorf("put: %v", err)
				}
			}
		}
	}
	stop()
	busy.Wait()

	nc, err := w.Admin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	direct, err := jet.NewDirect(nc, jet.Own)
	if err != nil {
		t.Fatal(err)
	}
	views := view.NewReader(direct)
	patience, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := client.Share(patience, logtest.Catalog("pulse"), logtest.Account(1)); err != nil { // the last event
		t.Fatal(err)
	}
	if err := projection.Settle(patience, views, client.Position(), view.Projections()...); err != nil {
		t.Fatal(err)
	}
	folded := documents(t, views)
	if err := world.Rebuild(patience, nc, false, nil, world.Projections()...); err != nil {
		t.Fatal(err)
	}
	replayed := documents(t, views)
	if len(folded) < 50 {
		t.Errorf("only %d documents", len(folded))
	}
	for _, key := range slices.Sorted(maps.Keys(replayed)) {
		if !bytes.Equal(folded[key], replayed[key]) {
			t.Errorf("%s is %s, a replay makes it %s", key, folded[key], replayed[key])
		}
		delete(folded, key)
	}
	for key, value := range folded {
		t.Errorf("%s is %s, a replay knows nothing of it", key, value)
	}
}

// allowed tells whether a permission list covers a literal subject.
func allowed(patterns []string, subject string) bool {
	want := strings.Split(subject, ".")
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		have := strings.Split(pattern, ".")
		for i, token := range have {
			switch {
			case token == ">":
				return len(want) > i
			case i >= len(want), token != "*" && token != want[i]:
				return false
			}
		}
		return len(have) == len(want)
	})
}

func TestEachFunctionMayDoWhatItDeclaresAndNothingElse(t *testing.T) {
	w := worldtest.Start(t)
	concrete := strings.NewReplacer("*", "x", ">", "x")
	subjects := map[string]bool{
		events.LogAll[:len(events.LogAll)-1] + "x":         true,
		"$JS.API.STREAM.DELETE." + events.LogStream:        true,
		"$JS.API.STREAM.PURGE.KV_shares":                   true,
		"$JS.API.CONSUMER.CREATE.NATSTER_EVENTS.x":         true,
		"$JS.API.STREAM.NAMES":                             true,
		"$KV.contexts.x":                                   true,
		"$KV.codes.x":                                      true,
		events.FeedSubject(w.Account("alice").Key, "lies"): true,
	}
	for _, f := range w.Functions() {
		for _, p := range f.Permissions().Publish {
			subjects[concrete.Replace(p)] = true
		}
	}
	for _, f := range w.Functions() {
		creds, err := w.FunctionCreds(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		refused := make(chan error, 1)
		onError := func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err }
		nc, err := w.ConnectAs(t.Context(), creds, nats.ErrorHandler(onError))
		if err != nil {
			t.Fatal(err)
		}
		may := f.Permissions().Publish
		for subject := range subjects {
			if allowed(may, subject) {
				continue // that it can do these shows in every other test
			}
			if err := nc.Publish(subject, nil); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-refused:
				if !errors.Is(err, nats.ErrPermissionViolation) {
					t.Errorf("%s on %s: %v", f.Name, subject, err)
				}
			case <-time.After(5 * time.Second):
				t.Errorf("%s may publish on %s, which it does not declare", f.Name, subject)
			}
		}
		nc.Close()
	}
	// The one that everybody asks about.
	for _, f := range w.Functions() {
		if writes := allowed(f.Permissions().Publish, "natster.events.x"); writes != (f.Name == "eventwriter") {
			t.Errorf("%s may write the log: %v", f.Name, writes)
		}
	}
}
