package functions_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"natster/functions"
	"natster/functions/api"
	"natster/internal/test/worldtest"
)

func TestTheCallerIsWhomNATSProves(t *testing.T) {
	w := start(t, serving(func(_ context.Context, c *functions.Call, q word) (word, error) {
		c.Reflects(c.MinPosition + 1)
		return word{q.Word + " " + c.From.String()}, nil
	}))
	alice, bob := w.Account("alice"), w.Account("bob")
	for _, a := range []*worldtest.Account{alice, bob} {
		client := api.NewClient(a.Conn(t))
		client.Observe(41)
		got, err := api.Call(t.Context(), client, probe, word{"I am"})
		if err != nil || got.Word != "I am "+a.Key.String() {
			t.Errorf("%s is answered %q, %v", a.Name, got.Word, err)
		}
		if client.Position() != 42 {
			t.Errorf("the position is %d", client.Position())
		}
	}
	// Alice cannot speak on a subject that says she is Bob.
	forged := bob.Key.String() + "." + probe.Subject()
	m, err := alice.Conn(t).RequestWithContext(t.Context(), forged, []byte(`{}`))
	if !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("a forged subject was answered: %v, %v", m, err)
	}
	// Nor does the operator, whose connection may publish anything, speak for nobody.
	admin := w.InFunction("prober")
	for _, from := range []string{"nobody", "none", strings.ToLower(bob.Key.String())} {
		m, err := admin.RequestWithContext(t.Context(), from+"."+probe.Subject(), []byte(`{"word":"I am"}`))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(m.Data), `"code":403`) {
			t.Errorf("%s is answered %s", from, m.Data)
		}
	}
}

func TestEveryRequestIsAnswered(t *testing.T) {
	w := start(t, serving(func(ctx context.Context, c *functions.Call, q word) (word, error) {
		switch q.Word {
		case "panic":
			panic("as told")
		case "fail":
			return word{}, errors.New("the cause, which is the operator's")
		case "refuse":
			return word{}, api.Errorf(api.ErrConflict, "two\nlines")
		case "sentinel":
			return word{}, fmt.Errorf("the thing: %w", api.ErrGone)
		case "large":
			return word{strings.Repeat("x", 2<<20)}, nil // more than a message holds
		}
		return q, nil
	}))
	nc := w.Account("alice").Conn(t)
	for body, want := range map[string]api.Code{
		`{"word":"fine"}`:              200,
		`{"word":"fine","unknown":1}`:  200,
		`{"word":"panic"}`:             500,
		`{"word":"fail"}`:              500,
		`{"word":"refuse"}`:            409,
		`{"word":"sentinel"}`:          410,
		`{"word":"large"}`:             500,
		`{"word":3}`:                   400,
		`["word"]`:                     400,
		`{"word":`:                     400,
		``:                             400,
		"\x00\xff":                     400,
		strings.Repeat(`{"a":`, 20000): 400,
		`{"word":"` + strings.Repeat("x", api.MaxRequest) + `"}`: 400,
	} {
		m, err := nc.RequestWithContext(t.Context(), probe.Subject(), []byte(body))
		if err != nil {
			t.Errorf("%.40q: %v", body, err)
			continue
		}
		var env api.Envelope
		if err := json.Unmarshal(m.Data, &env); err != nil || env.Code != want || (env.Error == "") != (want == 200) {
			t.Errorf("%.40q is answered %s", body, m.Data)
		}
		if said := m.Header.Get(micro.ErrorCodeHeader); said != strconv.Itoa(int(want)) && (said != "" || want != 200) {
			t.Errorf("%.40q is answered with code %q in the header", body, said)
		}
		if strings.Contains(env.Error, "which is the operator's") {
			t.Errorf("the caller is told the cause: %s", env.Error)
		}
	}
	if log := w.Log(); !strings.Contains(log, "the cause, which is the operator's") ||
		!strings.Contains(log, "as told") {
		t.Errorf("the operator is not told the cause:\n%s", log)
	}
}

func TestARequestThatHangsIsAnsweredAtItsDeadline(t *testing.T) {
	hang := func() functions.Function {
		return serving(func(ctx context.Context, _ *functions.Call, q word) (word, error) {
			<-ctx.Done()
			return q, ctx.Err()
		})
	}
	w, _ := bare(t, hang())
	running(t, w, functions.Config{Deadline: 20 * time.Millisecond}, hang, 1)
	_, err := api.Call(t.Context(), api.NewClient(w.Account("alice").Conn(t)), probe, word{})
	if !errors.Is(err, api.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestMoreRequestsThanCanBeHandledAreRefusedAtOnce(t *testing.T) {
	held, release := make(chan struct{}, 1), make(chan struct{})
	hold := func() functions.Function {
		return serving(func(_ context.Context, _ *functions.Call, q word) (word, error) {
			held <- struct{}{}
			<-release
			return q, nil
		})
	}
	w, _ := bare(t, hold())
	running(t, w, functions.Config{MaxInFlight: 1}, hold, 1)
	client := api.NewClient(w.Account("alice").Conn(t))
	first := make(chan error, 1)
	go func() { _, err := api.Call(t.Context(), client, probe, word{}); first <- err }()
	<-held
	if _, err := api.Call(t.Context(), client, probe, word{}); !errors.Is(err, api.ErrTooMany) {
		t.Errorf("the second request: %v", err)
	}
	close(release)
	if err := <-first; err != nil {
		t.Errorf("the first request: %v", err)
	}
}

func TestOneAccountKeepsOutNobodyElse(t *testing.T) {
	held, release := make(chan struct{}, 8), make(chan struct{})
	hold := func() functions.Function {
		return serving(func(_ context.Context, _ *functions.Call, q word) (word, error) {
			if q.Word == "hold" {
				held <- struct{}{}
				<-release
			}
			return q, nil
		})
	}
	w, _ := bare(t, hold())
	running(t, w, functions.Config{MaxInFlight: 4}, hold, 1)
	mallory := api.NewClient(w.Account("mallory").Conn(t))
	answers := make(chan error, 4)
	for range 4 {
		go func() { _, err := api.Call(t.Context(), mallory, probe, word{"hold"}); answers <- err }()
	}
	for range 2 { // half of what there is
		<-held
		if err := <-answers; !errors.Is(err, api.ErrTooMany) {
			t.Errorf("more than her share: %v", err)
		}
	}
	if _, err := api.Call(t.Context(), api.NewClient(w.Account("bob").Conn(t)), probe, word{"fine"}); err != nil {
		t.Errorf("bob, while mallory asks: %v", err)
	}
	close(release)
	for range 2 {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
}

func TestStoppingAnswersTheRequestsInHand(t *testing.T) {
	held, release := make(chan struct{}, 64), make(chan struct{})
	hold := func() functions.Function {
		return serving(func(_ context.Context, _ *functions.Call, q word) (word, error) {
			held <- struct{}{}
			<-release
			return q, nil
		})
	}
	w, _ := bare(t, hold())
	stop := running(t, w, functions.Config{}, hold, 1)
	client := api.NewClient(w.Account("alice").Conn(t))
	const n = 50
	answers := make(chan error, n)
	for range n {
		go func() { _, err := api.Call(t.Context(), client, probe, word{}); answers <- err }()
	}
	for range n {
		<-held
	}
	stopped := make(chan error, 1)
	go func() { stopped <- stop[0]() }()
	for { // until it takes no more
		nc := w.Account("alice").Conn(t)
		_, err := nc.Request(probe.Subject(), []byte("not json"), time.Second)
		if errors.Is(err, nats.ErrNoResponders) {
			break
		}
	}
	close(release)
	for range n {
		if err := <-answers; err != nil {
			t.Errorf("a request in hand: %v", err)
		}
	}
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
}
