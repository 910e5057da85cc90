package embedded_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/deploy/accounts"
	"natster/deploy/world/embedded"
	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/internal/test/functionstest"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
)

func TestAUserCanDoWhatItsPermissionsSayAndNothingElse(t *testing.T) {
	w := bare(t)
	creds, err := w.Keeper().User(t.Context(), w.Accounts().Data, "clerk", accounts.Permissions{
		Publish:   []string{"out.*"},
		Subscribe: []string{"in.> clerk", "_INBOX.clerk.>"},
		Responses: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	publishes := func(subject string) func(*nats.Conn) error {
		return func(nc *nats.Conn) error { return nc.Publish(subject, nil) }
	}
	subscribes := func(subject, queue string) func(*nats.Conn) error {
		return func(nc *nats.Conn) error { return sub(nc, subject, queue) }
	}
	for name, test := range map[string]struct {
		do      func(*nats.Conn) error
		allowed bool
	}{
		"publish what is listed":            {publishes("out.a"), true},
		"publish below what is listed":      {publishes("out.a.b"), false},
		"publish to the event log":          {publishes(events.LogAll[:len(events.LogAll)-1] + "x"), false},
		"use JetStream":                     {publishes("$JS.API.STREAM.NAMES"), false},
		"subscribe in its queue group":      {subscribes("in.a", "clerk"), true},
		"subscribe in another queue group":  {subscribes("in.a", "other"), false},
		"subscribe to another's inbox":      {subscribes("_INBOX.other.>", ""), false},
		"subscribe to everything":           {subscribes(">", ""), false},
		"answer what it was not asked":      {publishes("_R_.x"), false},
		"subscribe to requests of accounts": {subscribes("*.natster.global.>", "clerk"), false},
	} {
		t.Run(name, func(t *testing.T) {
			nc := connected(t, func(ctx context.Context) (*nats.Conn, error) { return w.ConnectAs(ctx, creds) })
			if err := test.do(nc); err != nil {
				t.Fatal(err)
			}
			flush(t, nc) // the server's refusal comes before its answer to the flush
			if refused := errors.Is(nc.LastError(), nats.ErrPermissionViolation); refused == test.allowed {
				t.Errorf("allowed: %v; want %v (%v)", !refused, test.allowed, nc.LastError())
			}
		})
	}

	// It may answer what it was asked, once.
	nc := connected(t, func(ctx context.Context) (*nats.Conn, error) { return w.ConnectAs(ctx, creds) })
	admin := connected(t, w.Admin)
	if _, err := nc.QueueSubscribe("in.a", "clerk", func(m *nats.Msg) {
		_ = m.Respond([]byte("first"))
		_ = m.Respond([]byte("second"))
	}); err != nil {
		t.Fatal(err)
	}
	flush(t, nc)
	answer := subscribe(t, admin, "answer")
	if err := admin.PublishRequest("in.a", "answer", nil); err != nil {
		t.Fatal(err)
	}
	if m := wait.Message(t, answer); string(m.Data) != "first" {
		t.Errorf("answered %q", m.Data)
	}
	wait.Eventually(t, "the second answer is refused", func() bool {
		flush(t, nc)
		return errors.Is(nc.LastError(), nats.ErrPermissionViolation)
	})
	publish(t, admin, "answer", "end")
	if m := wait.Message(t, answer); string(m.Data) != "end" {
		t.Errorf("answered again with %q", m.Data)
	}
}

func sub(nc *nats.Conn, subject, queue string) error {
	_, err := nc.QueueSubscribeSync(subject, queue)
	return err
}

// echo is an endpoint that only these tests have.
func echo() api.Endpoint[api.Text, string] { return api.Endpoint[api.Text, string]{Name: "echo"} }

// withEcho is a world with one function, which says who asked what.
func withEcho(t *testing.T, answer func(context.Context, *functions.Call, api.Text) (string, error)) *worldtest.World {
	t.Helper()
	return worldtest.Start(t, func(c *worldtest.Config) {
		c.Functions = []functions.Function{{
			Name:     "echo",
			Doc:      "says who asked what",
			Triggers: []functions.Trigger{functions.Request(echo(), functionstest.Handler(answer))},
		}}
	})
}

func sayIt(_ context.Context, c *functions.Call, q api.Text) (string, error) {
	return c.From.String() + " " + string(q), nil
}

func ask(t *testing.T, nc *nats.Conn, q string) string {
	t.Helper()
	m, err := request(t, nc, echo().Subject(), q)
	if err != nil {
		t.Fatal(err)
	}
	return string(m.Data)
}

func TestFunctionsRunUnderTheirOwnUser(t *testing.T) {
	w := withEcho(t, sayIt)
	alice := w.Account("alice")
	want := `{"code":200,"data":"` + alice.Key.String() + ` hello"}`
	if got := ask(t, alice.Conn(t), "hello"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	creds, err := w.FunctionCreds("echo")
	if err != nil {
		t.Fatal(err)
	}
	nc := connected(t, func(ctx context.Context) (*nats.Conn, error) { return w.ConnectAs(ctx, creds) })
	publish(t, nc, events.FeedSubject(alice.Key, events.FeedShared), "forged")
	if !errors.Is(nc.LastError(), nats.ErrPermissionViolation) {
		t.Errorf("the function may publish to the feed: %v", nc.LastError())
	}
	for _, name := range []string{"admin", "nobody"} {
		if _, err := w.FunctionCreds(name); !errors.Is(err, embedded.ErrNoFunction) {
			t.Errorf("credentials of function %s: %v", name, err)
		}
	}
	isEcho := func(f functions.Function) bool { return f.Name == "echo" }
	if all := w.Functions(); !slices.ContainsFunc(all, isEcho) {
		t.Errorf("the functions are %v", all)
	}
}

func TestAFunctionThatIsKilledComesBack(t *testing.T) {
	w := withEcho(t, sayIt)
	alice := w.Account("alice")
	ask(t, alice.Conn(t), "before")
	if err := w.KillFunction("echo"); err != nil {
		t.Fatal(err)
	}
	const attempt = 100 * time.Millisecond // a request that the killed function still received is never answered
	wait.For(t, "an answer", func() (*nats.Msg, error) { return alice.Conn(t).Request(echo().Subject(), nil, attempt) })
	if err := w.KillFunction("nobody"); !errors.Is(err, embedded.ErrNoFunction) {
		t.Errorf("killing nobody: %v", err)
	}
}

func TestStopLetsFunctionsAnswerWhatTheyWereAsked(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	w := withEcho(t, func(ctx context.Context, c *functions.Call, q api.Text) (string, error) {
		if q == "last" {
			close(asked)
			<-answer
		}
		return sayIt(ctx, c, q)
	})
	alice := w.Account("alice")
	inbox := subscribe(t, alice.Conn(t), "inbox")
	if err := alice.Conn(t).PublishRequest(echo().Subject(), "inbox", []byte("last")); err != nil {
		t.Fatal(err)
	}
	<-asked
	stopped := make(chan error)
	running := w.World
	go func() { stopped <- running.Stop(context.WithoutCancel(t.Context())) }()
	for { // until it takes no more requests
		_, err := request(t, alice.Conn(t), echo().Subject(), "")
		if errors.Is(err, nats.ErrNoResponders) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	close(answer)
	wait.Message(t, inbox)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	w.Resume(t)
}
