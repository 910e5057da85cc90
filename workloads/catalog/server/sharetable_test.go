package server

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/functions/api"
	"natster/internal/test/eventstest"
)

// What a server is told of its shares, step by step, and whether bob is served then.
func TestTheShareTable(t *testing.T) {
	films, alice, bob := eventstest.Catalog(t, "films"), eventstest.Account(t), eventstest.Account(t)
	shared := []api.Share{{From: alice, To: bob, Catalog: films}}
	for _, c := range []struct {
		name  string
		steps []shareStep
	}{
		{"a share, and it is taken back", []shareStep{look(nil), told(true, 1), isServed, told(false, 2), isRefused}},
		{"news that come late change nothing", []shareStep{look(nil), told(false, 7), told(true, 6), isRefused}},
		{"not after a look that saw newer ones, either",
			[]shareStep{look(shared), told(false, 7), look(nil), told(true, 6), isRefused}},
		{"nor what the look has seen itself",
			[]shareStep{look(shared), told(false, 7), look(nil), told(true, 7), isRefused}},
		{"what is newer does", []shareStep{look(shared), told(false, 7), look(nil), told(true, 8), isServed}},
		{"news of an unknown position are believed",
			[]shareStep{look(shared), told(false, 7), look(nil), told(true, 0), isServed}},
		{"what is heard during a look is newer than it", []shareStep{look(nil), during(shared, false, 9), isRefused}},
		{"a look that fails changes nothing",
			[]shareStep{look(shared), told(false, 7), fails, told(true, 6), isRefused}},
		{"barred, also where a look says that it is shared",
			[]shareStep{look(shared), barred, isRefused, look(shared), told(true, 3), isRefused}},
		{"until a look says that it is not", []shareStep{look(shared), barred, look(nil), told(true, 3), isServed}},
		{"a look that began before says nothing of it",
			[]shareStep{look(shared), duringLook(nil, barred), told(true, 3), isRefused}},
		{"or until nothing was heard of it for long", []shareStep{look(shared), barred, later, look(shared), isServed}},
		{"or until it was taken back, after which it may be given again",
			[]shareStep{look(shared), barred, takenBack(7), told(true, 6), isRefused, told(true, 8), isServed}},
		{"taken back, until a look reflects that",
			[]shareStep{look(shared), takenBack(7), reaching(shared, 6), isRefused, reaching(shared, 9), isServed}},
		{"taken back before it was given again, and told late",
			[]shareStep{look(shared), told(true, 8), takenBack(7), isServed}},
		{"taken back at a position that the log never has: of that share alone, and not for long",
			[]shareStep{look(shared), takenBack(math.MaxUint64), isRefused, doubtsNothingElse,
				look(shared), told(true, 8), isRefused, later, look(shared), isServed}},
		{"a view that lags behind is not believed",
			[]shareStep{look(shared), told(false, 7), reaching(shared, 9), isServed,
				told(false, 8), isServed, told(false, 10), isRefused}},
		{"how far the log is cannot be known", []shareStep{unreachable(shared), isRefused}},
		{"nobody can say how far the log is", []shareStep{old(shared), isServed}},
		{"nobody answers who never has", []shareStep{silent(shared), isServed}},
		{"nobody answers who has", []shareStep{look(shared), told(false, 7), silent(shared), isRefused}},
		{"nobody is served before the first look", []shareStep{told(true, 1), isRefused}},
	} {
		t.Run(c.name, func(t *testing.T) {
			source := &shareSource{}
			v := newShareTable(alice, source, Limits{}.withDefaults(), slog.New(slog.DiscardHandler))
			v.patience = 10 * time.Millisecond
			e := edge{films, bob}
			for i, step := range c.steps {
				step(t, i, v, source, e)
			}
		})
	}
}

type shareStep func(t *testing.T, i int, v *shareTable, s *shareSource, e edge)

// shareSource answers with list, after it has done meanwhile.
type shareSource struct {
	list      []api.Share
	err       error
	meanwhile func()

	position uint64 // of the log
	unknown  error  // why it is not known
	silent   bool   // the question is not answered
	observed uint64
}

func (s *shareSource) Shares(context.Context) ([]api.Share, error) {
	if s.meanwhile != nil {
		s.meanwhile()
	}
	return s.list, s.err
}
func (s *shareSource) Observe(p uint64) { s.observed = max(s.observed, p) }

func (s *shareSource) LastPosition(ctx context.Context) (uint64, error) {
	if s.silent {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return s.position, s.unknown
}

func told(shared bool, position uint64) shareStep {
	return func(_ *testing.T, _ int, v *shareTable, _ *shareSource, e edge) {
		v.hear(news{edge: e, shared: shared, position: position})
	}
}

func look(list []api.Share) shareStep {
	return func(t *testing.T, _ int, v *shareTable, s *shareSource, _ edge) {
		*s = shareSource{list: list}
		v.refresh(t.Context())
	}
}

func during(list []api.Share, shared bool, position uint64) shareStep {
	return func(t *testing.T, i int, v *shareTable, s *shareSource, e edge) {
		*s = shareSource{list: list, meanwhile: func() { told(shared, position)(t, i, v, s, e) }}
		v.refresh(t.Context())
	}
}

func barred(_ *testing.T, _ int, v *shareTable, _ *shareSource, e edge) { v.bar(e, 0) }

func takenBack(position uint64) shareStep {
	return func(_ *testing.T, _ int, v *shareTable, _ *shareSource, e edge) { v.bar(e, position) }
}

// doubtsNothingElse checks that what one share was said to be is not taken for how far the log is.
func doubtsNothingElse(t *testing.T, i int, v *shareTable, s *shareSource, _ edge) {
	if s.observed != 0 || v.observed != 0 {
		t.Errorf("step %d: the log is to be at %d, %d", i, s.observed, v.observed)
	}
}

// later is when the log should long have heard of what was barred.
func later(_ *testing.T, _ int, v *shareTable, _ *shareSource, e edge) {
	b := v.barred[e]
	b.since = b.since.Add(-barFor)
	v.barred[e] = b
}

func duringLook(list []api.Share, step shareStep) shareStep {
	return func(t *testing.T, i int, v *shareTable, s *shareSource, e edge) {
		*s = shareSource{list: list, meanwhile: func() { step(t, i, v, s, e) }}
		v.refresh(t.Context())
	}
}

// reaching is a look in a world that says how far its log is; the source must be told before it is looked at.
func reaching(list []api.Share, position uint64) shareStep {
	return func(t *testing.T, i int, v *shareTable, s *shareSource, _ edge) {
		*s = shareSource{list: list, position: position}
		s.meanwhile = func() {
			if s.observed != position {
				t.Errorf("step %d: the source is to reflect %d", i, s.observed)
			}
		}
		v.refresh(t.Context())
	}
}

func unreachable(list []api.Share) shareStep {
	return func(t *testing.T, _ int, v *shareTable, s *shareSource, _ edge) {
		*s = shareSource{list: list, unknown: errors.New("no answer")}
		v.refresh(t.Context())
	}
}

// old is a look in a world that has no such function.
func old(list []api.Share) shareStep {
	return func(t *testing.T, _ int, v *shareTable, s *shareSource, _ edge) {
		*s = shareSource{list: list, unknown: nats.ErrNoResponders}
		v.refresh(t.Context())
	}
}

// silent is a look in a world whose answer to how far the log is does not come in time.
func silent(list []api.Share) shareStep {
	return func(t *testing.T, _ int, v *shareTable, s *shareSource, _ edge) {
		*s = shareSource{list: list, silent: true}
		v.refresh(t.Context())
	}
}

func fails(t *testing.T, _ int, v *shareTable, s *shareSource, _ edge) {
	*s = shareSource{err: errors.New("the functions are away")}
	v.refresh(t.Context())
}

func isServed(t *testing.T, i int, v *shareTable, _ *shareSource, e edge) {
	if err := v.allows(e); err != nil {
		t.Errorf("step %d: %v", i, err)
	}
}

func isRefused(t *testing.T, i int, v *shareTable, _ *shareSource, e edge) {
	if err := v.allows(e); err == nil {
		t.Errorf("step %d: bob is served", i)
	}
}
