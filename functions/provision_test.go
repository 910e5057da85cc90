package functions_test

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"natster/deploy/world"
	"natster/events"
	"natster/functions"
	"natster/internal/test/worldtest"
)

// What is as it ought to be is not written again; what an operator, or an older version, made different is.
func TestProvisioningWritesOnlyWhatIsDifferent(t *testing.T) {
	w := worldtest.Start(t, worldtest.Bare)
	nc, err := w.Admin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	fns := world.Functions(world.Settings{})
	provision := func() {
		t.Helper()
		if err := functions.Provision(t.Context(), js, 1, fns...); err != nil {
			t.Fatal(err)
		}
	}
	provision()

	told, err := nats.Connect(w.Info().URL, nats.UserCredentialBytes(adminCreds(t, w)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(told.Close)
	var subs []*nats.Subscription
	for _, subject := range []string{
		"$JS.API.STREAM.CREATE.>", "$JS.API.STREAM.UPDATE.>", "$JS.API.CONSUMER.CREATE.>",
	} {
		sub, err := told.SubscribeSync(subject)
		if err != nil {
			t.Fatal(err)
		}
		subs = append(subs, sub)
	}
	written := func() (subjects []string) {
		t.Helper()
		if err := told.Flush(); err != nil {
			t.Fatal(err)
		}
		for _, sub := range subs {
			for {
				n, _, err := sub.Pending()
				if err != nil {
					t.Fatal(err)
				}
				if n == 0 {
					break
				}
				m, err := sub.NextMsgWithContext(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				subjects = append(subjects, m.Subject)
			}
		}
		return subjects
	}
	written() // the subscriptions are there

	provision()
	if again := written(); len(again) > 0 {
		t.Errorf("written again: %q", again)
	}

	log := events.LogConfig(1)
	log.AllowDirect = false
	if _, err := js.UpdateStream(t.Context(), log); err != nil {
		t.Fatal(err)
	}
	c, err := js.Consumer(t.Context(), events.LogStream, "stats")
	if err != nil {
		t.Fatal(err)
	}
	stats := c.CachedInfo().Config
	stats.MaxAckPending = 7
	if _, err := js.UpdateConsumer(t.Context(), events.LogStream, stats); err != nil {
		t.Fatal(err)
	}
	if changes := written(); len(changes) != 2 {
		t.Fatalf("changed by hand: heard %q", changes)
	}
	provision()
	if mended := written(); len(mended) == 0 {
		t.Error("nothing was mended")
	}
	s, err := js.Stream(t.Context(), events.LogStream)
	if err != nil {
		t.Fatal(err)
	}
	if !s.CachedInfo().Config.AllowDirect {
		t.Error("the log stayed as it was made by hand")
	}
	if c, err = js.Consumer(t.Context(), events.LogStream, "stats"); err != nil {
		t.Fatal(err)
	}
	if n := c.CachedInfo().Config.MaxAckPending; n != 1 {
		t.Errorf("the consumer stayed as it was made by hand: %d", n)
	}
}

func adminCreds(t *testing.T, w *worldtest.World) []byte {
	t.Helper()
	creds, err := w.Keeper().Admin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return creds
}
