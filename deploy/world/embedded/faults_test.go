package embedded_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/internal/jet"
	"natster/internal/test/logtest"
	"natster/internal/test/worldtest"
)

// introduced is an account that natster knows, and its client.
func introduced(t *testing.T, w *worldtest.World, name string) (*worldtest.Account, *api.Client) {
	t.Helper()
	a := w.Account(name)
	c := api.NewClient(a.Conn(t))
	if err := c.Initialize(t.Context(), a.Key, "", name); err != nil {
		t.Fatal(err)
	}
	return a, c
}

func TestEveryEndpointAnswersWhateverItIsAsked(t *testing.T) {
	w := worldtest.Start(t)
	_, alice := introduced(t, w, "alice")
	nc := w.Account("alice").Conn(t)
	garbage := map[string][]byte{
		"nothing":  nil,
		"no JSON":  []byte("\x00\xff\xfe not json"),
		"cut JSON": []byte(`{"catalog":"films","target":`),
		"wrong types": []byte(`{"catalog":{},"target":[1],"event_type":true,"account_public_key":7,"code":[],` +
			`"after":1,"account_key":{}}`),
		"an array":      []byte(`[[],[]]`),
		"null":          []byte(`null`),
		"deeply nested": []byte(strings.Repeat(`{"catalog":`, 10_000)),
		"too long":      []byte(`{"catalog":"` + strings.Repeat("x", api.MaxRequest) + `"}`),
	}
	endpoints := 0
	for _, f := range w.Functions() {
		for _, trigger := range f.Triggers {
			if trigger.Kind != functions.KindRequest ||
				strings.HasPrefix(trigger.Filters[0], events.InternalSubject("")) {
				continue
			}
			endpoints++
			for name, body := range garbage {
				m, err := nc.Request(events.GlobalSubject(trigger.Name), body, 10*time.Second)
				if err != nil {
					t.Errorf("%s, %s: %v", trigger.Name, name, err)
					continue
				}
				var env api.Envelope
				if err := json.Unmarshal(m.Data, &env); err != nil || env.Code == 0 || env.Code >= api.CodeInternal {
					t.Errorf("%s, %s: answered %.200s", trigger.Name, name, m.Data)
				}
			}
		}
	}
	if endpoints < 10 {
		t.Errorf("only %d endpoints were found", endpoints)
	}
	if _, err := alice.Whoami(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestWhatWasAcceptedInABurstSurvivesARestartOfTheServer(t *testing.T) {
	w := worldtest.Start(t)
	alice, client := introduced(t, w, "alice")
	w.Introduce(1)
	const writers, before = 4, 40
	var mu sync.Mutex
	accepted := make(map[events.Catalog]bool)
	enough, restarted := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	for n := range writers {
		all.Go(func() {
			after := 0
			for i := n; after < 5; i += writers {
				films := logtest.Catalog(fmt.Sprint("films", i))
				err := client.Share(t.Context(), films, logtest.Account(0))
				select {
				case <-restarted:
					if err == nil {
						after++
					}
				default:
				}
				if err != nil {
					if !errors.Is(err, api.ErrUnavailable) && !errors.Is(err, nats.ErrNoResponders) {
						t.Logf("a put during the restart: %v", err)
					}
					continue
				}
				mu.Lock()
				accepted[films] = true
				if len(accepted) == before {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	w.Restart(t)
	close(restarted)
	all.Wait()

	nc, err := w.Admin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	host, err := functions.Open(nc, jet.Own)
	if err != nil {
		t.Fatal(err)
	}
	logged := make(map[events.Catalog]int)
	if _, err := host.Log.Replay(t.Context(), 1, 0, func(e events.Envelope, err error) error {
		if e.Type == events.Shared && e.Origin == alice.Key {
			logged[e.Catalog]++
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for films := range accepted {
		if logged[films] != 1 {
			t.Errorf("the accepted share of %s is logged %d times", films, logged[films])
		}
	}
	t.Logf("%d shares accepted around a restart", len(accepted))
}
