package embedded_test

import (
	"context"
	"errors"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
)

// bare is a world without functions.
func bare(t testing.TB, options ...func(*worldtest.Config)) *worldtest.World {
	t.Helper()
	return worldtest.Start(t, append(options, worldtest.Bare)...)
}

func subscribe(t testing.TB, nc *nats.Conn, subject string) *nats.Subscription {
	t.Helper()
	sub, err := nc.SubscribeSync(subject)
	if err != nil {
		t.Fatal(err)
	}
	flush(t, nc)
	return sub
}

func publish(t testing.TB, nc *nats.Conn, subject, text string) {
	t.Helper()
	if err := nc.Publish(subject, []byte(text)); err != nil {
		t.Fatal(err)
	}
	flush(t, nc)
}

// flush returns when the server has routed what nc published and taken what it subscribed to.
func flush(t testing.TB, nc *nats.Conn) {
	t.Helper()
	if err := nc.FlushTimeout(wait.Patience); err != nil {
		t.Fatal(err)
	}
}

// connected closes what connect returns at the end of the test.
func connected(t testing.TB, connect func(context.Context) (*nats.Conn, error)) *nats.Conn {
	t.Helper()
	nc, err := connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// request is a request that does not wait for ever.
func request(t testing.TB, nc *nats.Conn, subject, text string) (*nats.Msg, error) {
	t.Helper()
	return nc.Request(subject, []byte(text), wait.Patience)
}

// answers serves subject with the text, until the test ends.
func answers(t testing.TB, nc *nats.Conn, subject, text string) {
	t.Helper()
	if _, err := nc.Subscribe(subject, func(m *nats.Msg) { _ = m.Respond([]byte(text)) }); err != nil {
		t.Fatal(err)
	}
	flush(t, nc)
}

func wantNoResponder(t testing.TB, nc *nats.Conn, subject string) {
	t.Helper()
	if m, err := request(t, nc, subject, ""); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("a request to %s: got %v, %v; want no responders", subject, m, err)
	}
}
