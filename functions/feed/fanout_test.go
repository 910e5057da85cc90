package feed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"natster/events"
	"natster/internal/test/eventstest"
	"natster/internal/test/logtest"
	"natster/internal/test/wait"
)

// A crowd hears what a fanout tells, a page at a time: it says of each that it begins, and waits.
type crowd struct {
	size map[events.Account]int // receivers of each owner
	page chan string            // what a page says, before it is told
	next chan error             // what becomes of it

	mu   sync.Mutex
	told map[string]int
}

func newCrowd() *crowd {
	return &crowd{size: make(map[events.Account]int), page: make(chan string), next: make(chan error),
		told: make(map[string]int)}
}

func (c *crowd) receivers(_ context.Context, t *telling) ([]events.Account, bool, error) {
	return make([]events.Account, c.size[t.owner]), true, nil
}

func (c *crowd) tell(_ context.Context, kind string, body []byte, to ...events.Account) error {
	if len(to) > pageSize {
		return fmt.Errorf("%d are told at a time", len(to))
	}
	c.page <- string(body)
	err := <-c.next
	if err == nil {
		c.mu.Lock()
		c.told[string(body)] += len(to)
		c.mu.Unlock()
	}
	return err
}

func (c *crowd) hears(t *testing.T, want string) {
	t.Helper()
	if got := wait.Receive(t, "a page is told", c.page); got != want {
		t.Fatalf("told is %q, want %q", got, want)
	}
}

func says(owner events.Account, catalog events.Catalog, kind, body string) *telling {
	return &telling{owner: owner, catalog: catalog, kind: kind, body: []byte(body)}
}

func TestAnOwnerWithVeryManyReceiversDelaysNobodyElse(t *testing.T) {
	alice, bob, films := eventstest.Account(t), eventstest.Account(t), eventstest.Catalog(t, "films")
	c := newCrowd()
	c.size[alice], c.size[bob] = 10_000, 3
	f := newFanout(c.receivers, c.tell, slog.New(slog.DiscardHandler))
	f.add(says(alice, films, events.FeedHeartbeat, "alice 0"))
	c.hears(t, "alice 0")
	for i := range 1000 { // at full speed
		f.add(says(alice, films, events.FeedHeartbeat, fmt.Sprintf("alice %d", i+1)))
	}
	f.add(says(bob, films, events.FeedOffline, "bob"))
	c.next <- nil
	c.hears(t, "bob")
	c.next <- nil
	go func() {
		for range c.page {
			c.next <- nil
		}
	}()
	if err := f.close(); err != nil {
		t.Fatal(err)
	}
	close(c.page)
	want := map[string]int{"alice 0": 10_000, "alice 1000": 10_000, "bob": 3}
	if fmt.Sprint(c.told) != fmt.Sprint(want) {
		t.Errorf("told is %v, want %v", c.told, want)
	}
}

func TestOnlyHeartbeatsAreOvertaken(t *testing.T) {
	alice, films := eventstest.Account(t), eventstest.Catalog(t, "films")
	for said, want := range map[string]string{
		"on1 on2 on3":           "on3",
		"on1 off1":              "off1",
		"off1 on1":              "off1 on1",
		"off1 on1 on2 music1":   "off1 on2 music1",
		"off1 on1 off2 on2":     "off1 on2",
		"music1 on1 off1 on2":   "music1 off1 on2",
		"begun1 on1 on2 begun2": "begun1 on2 begun2",
	} {
		q := &queue{}
		for _, what := range strings.Fields(said) {
			name, kind := films, events.FeedHeartbeat
			switch {
			case strings.HasPrefix(what, "music"):
				name = eventstest.Catalog(t, "music")
			case strings.HasPrefix(what, "off"):
				kind = events.FeedOffline
			case strings.HasPrefix(what, "begun"):
				name = eventstest.Catalog(t, "begun")
			}
			x := says(alice, name, kind, what)
			q.add(x)
			x.begun = what == "begun1"
		}
		var got []string
		for _, x := range q.tellings {
			got = append(got, string(x.body))
		}
		if !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("of %q are told %q, want %q", said, got, want)
		}
	}
}

func TestAPageThatFailsIsToldAgain(t *testing.T) {
	alice, films := eventstest.Account(t), eventstest.Catalog(t, "films")
	c := newCrowd()
	c.size[alice] = pageSize + 1
	f := newFanout(c.receivers, c.tell, slog.New(slog.DiscardHandler))
	f.add(says(alice, films, events.FeedOffline, "alice"))
	for _, err := range []error{errors.New("no connection"), nil, errors.New("no connection"), nil} {
		c.hears(t, "alice")
		c.next <- err
	}
	if err := f.close(); err != nil {
		t.Fatal(err)
	}
	if c.told["alice"] != pageSize+1 {
		t.Errorf("%d are told", c.told["alice"])
	}
}

// The fanouts below have no goroutine of their own: the test takes the turns.
func still() *fanout {
	return &fanout{log: slog.New(slog.DiscardHandler), wake: make(chan struct{}, 1),
		owners: make(map[events.Account]*queue)}
}

func TestAnOwnerRestsForEachReceiver(t *testing.T) {
	alice, films := eventstest.Account(t), eventstest.Catalog(t, "films")
	f := still()
	f.add(says(alice, films, events.FeedHeartbeat, "on"))
	now := time.Now()
	x, _ := f.turn(now)
	x.told = pageSize
	f.done(x, nil)
	want := pageSize * time.Second / receiversPerSecond
	if y, rest := f.turn(now); y != nil || rest < want {
		t.Errorf("after a page of %d the next is %v, in %v; want %v", pageSize, y, rest, want)
	}
	if y, _ := f.turn(now.Add(time.Hour)); y != x {
		t.Errorf("the next is %v", y)
	}
}

func TestWhatCannotBeToldIsGivenUp(t *testing.T) {
	alice, films := eventstest.Account(t), eventstest.Catalog(t, "films")
	f := still()
	const attempts = 10
	f.add(says(alice, films, events.FeedOffline, "films"))
	f.add(says(alice, eventstest.Catalog(t, "music"), events.FeedOffline, "music"))
	for i := range 2 * attempts {
		x, _ := f.turn(time.Now().Add(time.Hour))
		if want := []string{"films", "music"}[i/attempts]; x == nil || string(x.body) != want {
			t.Fatalf("attempt %d is to tell %v, want %s", i, x, want)
		}
		f.done(x, errors.New("no connection"))
	}
	if x, rest := f.turn(time.Now().Add(time.Hour)); x != nil || rest != 0 {
		t.Errorf("there is still %v, in %v", x, rest)
	}
}

func TestOwnersWhoHaveNothingToSayAreForgotten(t *testing.T) {
	films := eventstest.Catalog(t, "films")
	f := still()
	for i := range 5000 {
		x := says(logtest.Account(i), films, events.FeedHeartbeat, "on")
		f.add(x)
		if y, _ := f.turn(time.Now()); y != x {
			t.Fatalf("owner %d waits for %v", i, y)
		}
		x.end = true
		f.done(x, nil)
	}
	if n := len(f.owners); n > 2000 {
		t.Errorf("%d are kept", n)
	}
}
