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
	"natster/internal/test/wait"
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

// A held function holds every request whose word is "hold" until it is released.
type held struct {
	now     chan struct{} // one for each that is held
	release chan struct{}
}

func newHeld() *held { return &held{make(chan struct{}, 1000), make(chan struct{})} }

func (h *held) function() functions.Function {
	return serving(func(_ context.Context, _ *functions.Call, q word) (word, error) {
		if q.Word == "hold" {
			h.now <- struct{}{}
			<-h.release
		}
		return q, nil
	})
}

// hold sends n requests at once and returns their answers' errors.
func hold(t *testing.T, nc *nats.Conn, n int) <-chan error {
	answers := make(chan error, n)
	for range n {
		go func() {
			m, err := nc.Request(probe.Subject(), []byte(`{"word":"hold"}`), wait.Patience)
			if err == nil {
				_, err = api.ReadReply(m)
			}
			answers <- err
		}()
	}
	return answers
}

func TestARequestWaitsForItsTurnAndThereIsRoomForSoMany(t *testing.T) {
	const handlers, room = 8, 256
	h := newHeld()
	w, _ := bare(t, h.function())
	running(t, w, functions.Config{}, h.function, 1)
	answers := hold(t, w.Account("alice").Conn(t), handlers+room+50)
	for range handlers {
		wait.Receive(t, "a request is handled", h.now)
	}
	for range 50 { // what there is no room for, at once
		err := wait.Receive(t, "a refusal", answers)
		refusal, is := errors.AsType[*api.Error](err)
		if !is || !errors.Is(err, api.ErrTooMany) || refusal.RetryAfter == 0 ||
			!strings.Contains(err.Error(), "try again in ") {
			t.Errorf("one too many: %v", err)
		}
	}
	select {
	case <-h.now:
		t.Error("more of one account are handled at once than may be")
	default:
	}
	close(h.release)
	for range handlers + room {
		if err := wait.Receive(t, "an answer", answers); err != nil {
			t.Error(err)
		}
	}
}

func TestOneAccountKeepsOutNobodyElse(t *testing.T) {
	h := newHeld()
	w, _ := bare(t, h.function())
	running(t, w, functions.Config{MaxInFlight: 16}, h.function, 1)
	mallory := hold(t, w.Account("mallory").Conn(t), 300)
	for range 8 {
		wait.Receive(t, "a request of mallory is handled", h.now)
	}
	bob := api.NewClient(w.Account("bob").Conn(t))
	for range 100 {
		if _, err := api.Call(t.Context(), bob, probe, word{"fine"}); err != nil {
			t.Fatalf("bob, while mallory asks: %v", err)
		}
	}
	close(h.release)
	answered := 0
	for range 300 {
		if wait.Receive(t, "an answer", mallory) == nil {
			answered++
		}
	}
	if answered != 8+256 {
		t.Errorf("%d of mallory's requests are handled", answered)
	}
}

// What nobody waits for any more is not handled.
func TestARequestThatWaitedTooLongIsNotHandled(t *testing.T) {
	const n = 20
	h := newHeld()
	w, _ := bare(t, h.function())
	running(t, w, functions.Config{Deadline: 10 * time.Millisecond}, h.function, 1)
	answers := hold(t, w.Account("alice").Conn(t), n)
	for range 8 {
		wait.Receive(t, "a request is handled", h.now)
	}
	until := time.Now().Add(20 * time.Millisecond)
	wait.Eventually(t, "the others have waited too long", func() bool { return time.Now().After(until) })
	close(h.release)
	for range n {
		if err := wait.Receive(t, "an answer", answers); err != nil && !errors.Is(err, api.ErrUnavailable) {
			t.Error(err)
		}
	}
	if late := len(h.now); late >= n-8 {
		t.Errorf("%d more are handled", late)
	}
}

func TestALargeRequestIsRefusedBeforeItIsRead(t *testing.T) {
	h := newHeld()
	w := start(t, h.function())
	nc := w.Account("mallory").Conn(t)
	large := []byte(`{"word":"` + strings.Repeat("x", 900_000) + `"}`)
	m, err := nc.Request(probe.Subject(), large, wait.Patience)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("probe: the request is %d bytes long; %d is the most", len(large), api.MaxRequest)
	if _, err := api.ReadReply(m); !errors.Is(err, api.ErrBadRequest) || err.Error() != want {
		t.Errorf("%v; want %s", err, want)
	}
}

func TestStoppingAnswersTheRequestsInHand(t *testing.T) {
	h := newHeld()
	w, _ := bare(t, h.function())
	stop := running(t, w, functions.Config{}, h.function, 1)
	nc := w.Account("alice").Conn(t)
	inbox := nc.NewInbox()
	answers, err := nc.SubscribeSync(inbox)
	if err != nil {
		t.Fatal(err)
	}
	const n = 50 // most of them wait for their turn
	for range n {
		if err := nc.PublishRequest(probe.Subject(), inbox, []byte(`{"word":"hold"}`)); err != nil {
			t.Fatal(err)
		}
	}
	refused := make([]byte, api.MaxRequest+1) // at once, when all before it have arrived
	if _, err := nc.Request(probe.Subject(), refused, wait.Patience); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- stop[0]() }()
	wait.Eventually(t, "it takes no more", func() bool {
		_, err := nc.Request(probe.Subject(), refused, time.Second)
		return errors.Is(err, nats.ErrNoResponders)
	})
	close(h.release)
	for range n {
		if _, err := api.ReadReply(wait.Message(t, answers)); err != nil {
			t.Errorf("a request in hand: %v", err)
		}
	}
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
}

func TestAnAccountIsHandledSoOftenASecondAndOthersAreNotKeptWaiting(t *testing.T) {
	const atOnce, room, tooMany = 64, 256, 200
	f := func() functions.Function {
		f := serving(func(_ context.Context, _ *functions.Call, q word) (word, error) { return q, nil })
		f.Limits = functions.Limits{Requests: 8, RequestsAtOnce: atOnce}
		return f
	}
	w, _ := bare(t, f())
	running(t, w, functions.Config{}, f, 1)
	nc := w.Account("mallory").Conn(t)
	inbox := nc.NewInbox()
	answers, err := nc.SubscribeSync(inbox)
	if err != nil {
		t.Fatal(err)
	}
	for range atOnce + room + tooMany {
		if err := nc.PublishRequest(probe.Subject(), inbox, []byte(`{"word":"again"}`)); err != nil {
			t.Fatal(err)
		}
	}
	answered := 0
	for {
		_, err := api.ReadReply(wait.Message(t, answers))
		if errors.Is(err, api.ErrTooMany) { // as many wait as may
			break
		}
		if answered++; err != nil || answered == atOnce+room+tooMany {
			t.Fatalf("%d requests are handled, then %v", answered, err)
		}
	}
	bob := api.NewClient(w.Account("bob").Conn(t))
	for range atOnce {
		if _, err := api.Call(t.Context(), bob, probe, word{"fine"}); err != nil {
			t.Fatalf("bob, while mallory waits: %v", err)
		}
	}
}

func TestStoppingRefusesAtOnceWhatWasToBeRefusedLater(t *testing.T) {
	const handled, refused = 8 + 256, 700 // of these, some hundreds at once
	h := newHeld()
	w, _ := bare(t, h.function())
	stop := running(t, w, functions.Config{}, h.function, 1)
	nc := w.Account("alice").Conn(t)
	inbox := nc.NewInbox()
	answers, err := nc.SubscribeSync(inbox)
	if err != nil {
		t.Fatal(err)
	}
	for range handled + refused {
		if err := nc.PublishRequest(probe.Subject(), inbox, []byte(`{"word":"hold"}`)); err != nil {
			t.Fatal(err)
		}
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	const atOnce = 500
	for range atOnce { // what is handled is held
		if _, err := api.ReadReply(wait.Message(t, answers)); !errors.Is(err, api.ErrTooMany) {
			t.Fatal(err)
		}
	}
	stopped := make(chan error, 1)
	go func() { stopped <- stop[0]() }()
	close(h.release)
	if err := wait.Receive(t, "it stops", stopped); err != nil {
		t.Errorf("stop: %v", err)
	}
	tooMany := atOnce
	for range handled + refused - atOnce {
		_, err := api.ReadReply(wait.Message(t, answers))
		switch {
		case errors.Is(err, api.ErrTooMany):
			tooMany++
		case err != nil:
			t.Fatal(err)
		}
	}
	if tooMany <= atOnce || tooMany > refused { // what came after the release may have been handled
		t.Errorf("%d are refused", tooMany)
	}
}
