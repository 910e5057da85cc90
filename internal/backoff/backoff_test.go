package backoff_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"natster/internal/backoff"
)

func TestPausesDoubleUpToTheLongest(t *testing.T) {
	const ms = time.Millisecond
	for name, row := range map[string]struct {
		first, longest time.Duration
		want           []time.Duration // after 0, 1, 2, ... failed attempts
	}{
		"a power of two":           {ms, 8 * ms, []time.Duration{0, ms, 2 * ms, 4 * ms, 8 * ms, 8 * ms}},
		"between two powers":       {ms, 5 * ms, []time.Duration{0, ms, 2 * ms, 4 * ms, 5 * ms, 5 * ms}},
		"constant":                 {ms, ms, []time.Duration{0, ms, ms}},
		"longest before the first": {ms, ms / 2, []time.Duration{0, ms / 2, ms / 2}},
		"no end": {math.MaxInt64 / 3, math.MaxInt64,
			[]time.Duration{0, math.MaxInt64 / 3, math.MaxInt64 / 3 * 2, math.MaxInt64}},
	} {
		pause := backoff.Doubling(row.first, row.longest)
		var got []time.Duration
		for n := range row.want {
			got = append(got, pause(n))
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", name, got, row.want)
		}
		if got := pause(math.MaxInt); got != row.longest {
			t.Errorf("%s: %v after very many attempts, want %v", name, got, row.longest)
		}
		if got := pause(-1); got != 0 {
			t.Errorf("%s: %v after -1 attempts", name, got)
		}
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := backoff.Sleep(t.Context(), time.Hour); err != nil || time.Since(began) != time.Hour {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(cause) })
		began = time.Now()
		if err := backoff.Sleep(ctx, time.Hour); !errors.Is(err, cause) || time.Since(began) != time.Minute {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		if err := backoff.Sleep(ctx, 0); !errors.Is(err, cause) {
			t.Errorf("no pause under an ended context: %v", err)
		}
	})
}
