package eventwriter

import (
	"errors"
	"testing"
	"time"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/internal/limiter"
	"natster/internal/test/eventstest"
)

// The writer has no log: what is not refused before it is decided panics.
func TestAnAccountThatAsksForTooMuchIsRefusedBeforeTheLogIsRead(t *testing.T) {
	alice, bob := eventstest.Account(t), eventstest.Account(t)
	at := time.Unix(1732082400, 0)
	w := &writer{
		now:      func() time.Time { return at },
		puts:     limiter.NewAllowance[events.Account](1, 2),
		unshares: limiter.NewAllowance[events.Account](1, 2),
	}
	share := Command{Type: events.Shared, Origin: alice, Target: bob, Catalog: eventstest.Catalog(t, "films")}
	for i := range 2 {
		if err := w.admit(share); err != nil {
			t.Fatalf("share %d: %v", i, err)
		}
	}
	q := api.PutRequest{EventType: string(events.Shared), Catalog: "films", Target: bob.String()}
	_, err := w.put(t.Context(), &functions.Call{From: alice}, q)
	refusal, is := errors.AsType[*api.Error](err)
	if !is || !errors.Is(err, api.ErrTooMany) || refusal.RetryAfter != time.Second {
		t.Errorf("one too many: %v", err)
	}
	unshare, other := share, share
	unshare.Type = events.Unshared
	other.Origin, other.Target = bob, alice
	for what, c := range map[string]Command{"her unshare": unshare, "another's share": other} {
		if err := w.admit(c); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	at = at.Add(time.Second)
	if err := w.admit(share); err != nil {
		t.Errorf("a second later: %v", err)
	}
}
