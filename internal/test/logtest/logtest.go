package logtest

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/nats-io/nkeys"

	"natster/events"
)

// Begin is the time of the first event.
var Begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Account returns the i-th account of every log here. Nobody has its private key.
func Account(i int) events.Account {
	raw := make([]byte, 32)
	r := rand.NewPCG(1, uint64(i))
	for j := range 4 {
		v := r.Uint64()
		for k := range 8 {
			raw[8*j+k] = byte(v >> (8 * k))
		}
	}
	key, err := nkeys.Encode(nkeys.PrefixByteAccount, raw)
	if err != nil {
		panic("logtest: " + err.Error()) // 32 bytes always encode
	}
	a, err := events.ParseAccount(string(key))
	if err != nil {
		panic("logtest: " + err.Error())
	}
	return a
}

// Catalog returns the catalog of that name.
func Catalog(name string) events.Catalog {
	c, err := events.ParseCatalog(name)
	if err != nil {
		panic("logtest: " + err.Error())
	}
	return c
}

// A Shape says what log to make.
type Shape struct {
	Events   int
	Accounts int // initialized over the whole length of the log; at least 2
	Seed     uint64
}

// Log yields the events of a log of this shape: accounts initialize and are given the hub's catalog, claim names,
// share, import, take back and bind logins, in the proportions of a living system. No event changes nothing.
func (s Shape) Log() iter.Seq[events.Event] {
	return func(yield func(events.Event) bool) {
		w := &writer{shape: s, rand: rand.New(rand.NewPCG(s.Seed, 2)), shared: make(map[edge]int)}
		for n := range s.Events {
			e := w.next(s.Events - n)
			e.ID = "logtest-" + strconv.FormatUint(s.Seed, 36) + "-" + strconv.Itoa(n)
			e.Time = Begin.Add(time.Duration(n) * 37 * time.Millisecond)
			if !yield(e) {
				return
			}
		}
	}
}

// writer knows what has happened so far.
type writer struct {
	shape    Shape
	rand     *rand.Rand
	accounts []events.Account
	catalogs []catalog
	shares   []share
	shared   map[edge]int // index in shares
	then     []events.Event
	logins   int
}

type catalog struct {
	name  events.Catalog
	owner int
}

type edge struct{ catalog, target int }

type share struct {
	edge
	imported bool
}

// next is the next event, with left events to come, itself included.
func (w *writer) next(left int) events.Event {
	if len(w.then) > 0 {
		e := w.then[0]
		w.then = w.then[1:]
		return e
	}
	if missing := w.shape.Accounts - len(w.accounts); len(w.accounts) < 2 || w.rand.IntN(left) < 2*missing {
		return w.initialize()
	}
	switch p := w.rand.IntN(100); {
	case p < 25:
		return w.claim()
	case p < 65:
		return w.share()
	case p < 72:
		return w.unshare()
	case p < 90:
		return w.imports()
	}
	return w.bind()
}

func (w *writer) initialize() events.Event {
	i := len(w.accounts)
	a := Account(i)
	w.accounts = append(w.accounts, a)
	if i == 0 {
		w.catalogs = append(w.catalogs, catalog{Catalog("natsterhub"), 0})
	} else {
		if i == 1 {
			w.then = append(w.then, w.claimed(0))
		}
		w.then = append(w.then, w.add(edge{0, i}))
	}
	return events.WithData(events.Event{Type: events.Initialized, Origin: a}, events.InitializedData{
		AccountID:   fmt.Sprintf("id%08d", i),
		AccountName: fmt.Sprintf("account number %d", i),
		AccountKey:  a,
	})
}

func (w *writer) claim() events.Event {
	w.catalogs = append(w.catalogs, catalog{Catalog("catalog" + strconv.Itoa(len(w.catalogs))),
		w.rand.IntN(len(w.accounts))})
	c := len(w.catalogs) - 1
	w.then = append(w.then, w.add(edge{c, w.other(w.catalogs[c].owner)}))
	return w.claimed(c)
}

func (w *writer) claimed(c int) events.Event {
	return events.WithData(events.Event{Type: events.Claimed, Catalog: w.catalogs[c].name},
		events.ClaimedData{Owner: w.accounts[w.catalogs[c].owner]})
}

func (w *writer) share() events.Event {
	for range 8 {
		c := w.rand.IntN(len(w.catalogs))
		e := edge{c, w.other(w.catalogs[c].owner)}
		if _, ok := w.shared[e]; !ok {
			return w.add(e)
		}
	}
	return w.bind() // nearly all is shared with everybody
}

func (w *writer) unshare() events.Event {
	if len(w.shares) == 0 {
		return w.bind()
	}
	i := w.rand.IntN(len(w.shares))
	e, last := w.shares[i].edge, len(w.shares)-1
	w.shares[i] = w.shares[last]
	w.shared[w.shares[i].edge] = i
	w.shares = w.shares[:last]
	delete(w.shared, e)
	return w.edgeEvent(events.Unshared, e)
}

func (w *writer) imports() events.Event {
	for range 8 {
		if len(w.shares) == 0 {
			break
		}
		s := &w.shares[w.rand.IntN(len(w.shares))]
		if s.imported {
			continue
		}
		s.imported = true
		e := w.edgeEvent(events.Imported, s.edge)
		e.Origin, e.Target = e.Target, e.Origin
		return e
	}
	return w.bind()
}

func (w *writer) bind() events.Event {
	i := w.rand.IntN(len(w.accounts))
	w.logins++
	return events.WithData(events.Event{Type: events.Bound, Origin: w.accounts[i]}, events.BoundData{
		OAuthID:    "github|" + strconv.Itoa(i),
		ContextRef: "ref" + strconv.Itoa(w.logins),
	})
}

func (w *writer) add(e edge) events.Event {
	w.shared[e] = len(w.shares)
	w.shares = append(w.shares, share{edge: e})
	return w.edgeEvent(events.Shared, e)
}

func (w *writer) edgeEvent(t events.Type, e edge) events.Event {
	c := w.catalogs[e.catalog]
	return events.Event{Type: t, Origin: w.accounts[c.owner], Target: w.accounts[e.target], Catalog: c.name}
}

// other is any account but i.
func (w *writer) other(i int) int {
	o := w.rand.IntN(len(w.accounts) - 1)
	if o >= i {
		o++
	}
	return o
}
