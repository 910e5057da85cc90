package server

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"natster/events"
	"natster/functions/api"
	"natster/internal/test/eventstest"
)

// named is a library of which admission asks the name.
type named struct {
	Library
	name events.Catalog
}

func (n named) Name() events.Catalog { return n.name }

// Of each verb an account gets so many at once and then is told when to come back; no other account is, and the own
// never.
func TestEachVerbIsAllowedSoOften(t *testing.T) {
	bob, carol := eventstest.Account(t), eventstest.Account(t)
	films, err := events.ParseCatalog("films")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	s := &Server{shares: newShareTable(eventstest.Account(t), nil, Limits{}.withDefaults(), log)}
	s.shares.confirmed = time.Now()
	s.shares.allowed[edge{films, bob}], s.shares.allowed[edge{films, carol}] = true, true
	s.may = s.asks()
	x, now := &served{Library: named{name: films}}, time.Now()
	for _, verb := range []string{events.VerbGet, events.VerbDownload, events.VerbFetch, events.VerbClose} {
		a := s.may[verb]
		got := int64(0)
		var refused error
		for refused == nil && got <= 2*a.atOnce {
			if refused = s.admit(bob, 100, x, a, now); refused == nil {
				got++
			}
		}
		refusal, is := errors.AsType[*api.Error](refused)
		if got != a.atOnce || !is || refusal.Code != api.CodeTooMany || refusal.RetryAfter <= 0 {
			t.Errorf("%s: after %d: %v", verb, got, refused)
			continue
		}
		if err := s.admit(bob, 100, x, a, now.Add(refusal.RetryAfter)); err != nil {
			t.Errorf("%s: when bob comes back: %v", verb, err)
		}
		for _, other := range []events.Account{carol, {}} {
			if err := s.admit(other, a.bytes, x, a, now); err != nil {
				t.Errorf("%s: another account: %v", verb, err)
			}
		}
		if err := s.admit(carol, a.bytes+1, x, a, now); !errors.Is(err, api.ErrBadRequest) {
			t.Errorf("%s: what is too large: %v", verb, err)
		}
		if err := s.admit(eventstest.Account(t), 1, x, a, now); !errors.Is(err, api.ErrForbidden) {
			t.Errorf("%s: a stranger: %v", verb, err)
		}
	}
}
