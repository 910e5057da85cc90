package fences_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/functions/api"
	"natster/internal/test/logtest"
	"natster/internal/test/wait"
)

// TestAnAccountThatAsksForEverythingKeepsOutNobodyElse has mallory send, for as long as it lasts, thousands of requests
// of every kind that there is, and some of the largest that NATS takes. She is told to come back; alice, who asks for
// one thing after the other meanwhile, is answered.
func TestAnAccountThatAsksForEverythingKeepsOutNobodyElse(t *testing.T) {
	s := oneServer(t)
	mallory := s.stranger(t)
	var mu sync.Mutex
	later, large := 0, 0 // refusals
	inbox := mallory.nc.NewInbox()
	if _, err := mallory.nc.Subscribe(inbox, func(m *nats.Msg) {
		mu.Lock()
		defer mu.Unlock()
		var refused api.Envelope
		if err := json.Unmarshal(m.Data, &refused); err != nil {
			t.Errorf("%q: %v", m.Data, err)
		}
		switch refused.Code {
		case api.CodeTooMany:
			ms, err := strconv.Atoi(m.Header.Get(api.HeaderRetryAfter))
			if err != nil || ms <= 0 || !strings.Contains(refused.Error, "try again in") {
				t.Errorf("a refusal does not say when to come back: %v %q", m.Header, refused.Error)
			}
			later++
		case api.CodeBadRequest:
			if strings.Contains(refused.Error, "is the most") {
				large++
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var flood sync.WaitGroup
	flood.Go(func() {
		huge := make([]byte, 1<<20)
		for round := 0; ctx.Err() == nil; round++ {
			for _, subject := range mallory.f.Access.Calls {
				body := []byte("{}")
				if round%200 == 0 {
					body = huge
				}
				if err := mallory.nc.PublishRequest(subject, inbox, body); err != nil {
					t.Errorf("mallory is cut off: %v", err)
					return
				}
			}
			if round%20 == 0 {
				if err := mallory.nc.FlushTimeout(wait.Patience); err != nil {
					t.Errorf("mallory is cut off: %v", err)
					return
				}
			}
		}
	})
	for range 10 {
		s.live(t)
	}
	wait.Eventually(t, "mallory is told when to come back, and what is too large", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return later > 0 && large > 0
	})
	stop()
	flood.Wait()
	s.live(t)
}

// TestWhatIsOfferedToNobodyLeavesNoTrace has mallory share with accounts that do not exist, which cost her nothing: the
// log, from which nothing is ever deleted, does not grow.
func TestWhatIsOfferedToNobodyLeavesNoTrace(t *testing.T) {
	s := oneServer(t)
	mallory := api.NewClient(s.stranger(t).nc)
	before := possessions(t, s.js) // the log's last position among them
	var offers sync.WaitGroup
	for i := range 40 {
		offers.Go(func() {
			err := mallory.Share(wait.Context(t), films(), logtest.Account(i))
			if !errors.Is(err, api.ErrNotFound) || !strings.Contains(err.Error(), "natster init") {
				t.Errorf("a share with nobody: %v", err)
			}
		})
	}
	offers.Wait()
	if after := possessions(t, s.js); !slices.Equal(after, before) {
		t.Errorf("there was\n%s\nand is\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	if err := mallory.Share(wait.Context(t), films(), s.bob); err != nil {
		t.Errorf("a share with somebody: %v", err)
	}
}
