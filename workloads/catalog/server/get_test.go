package server_test

import (
	"strings"
	"testing"

	"natster/events"
	"natster/functions/api"
	"natster/internal/test/catalogtest"
)

// An account that asks for listings without end is refused, and told when to come back; others are not.
func TestAnAccountThatAsksForListingsWithoutEndIsRefused(t *testing.T) {
	w := catalogtest.Start(t)
	carol := w.Account("carol")
	w.Import(carol, films, w.Alice)
	w.Shares.Set(api.Share{From: w.Alice.Key, To: w.Bob.Key, Catalog: films},
		api.Share{From: w.Alice.Key, To: carol.Key, Catalog: films})
	w.Serve(t)
	nc := w.Bob.Conn(t)
	for n := 0; ; n++ {
		e := catalogtest.Ask(t, nc, subject(events.VerbGet), nil)
		if e.Code == api.CodeOK && n < 100_000 {
			continue
		}
		expectCode(t, e, api.CodeTooMany)
		if n < 400 || !strings.HasSuffix(e.Error, "try again in 1 s") {
			t.Errorf("after %d listings: %s", n, e.Error)
		}
		break
	}
	expectCode(t, catalogtest.Ask(t, carol.Conn(t), subject(events.VerbGet), nil), api.CodeOK)
	for range 500 {
		expectCode(t, catalogtest.Ask(t, w.Alice.Conn(t), subject(events.VerbGet), nil), api.CodeOK)
	}
}
