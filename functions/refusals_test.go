package functions

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/micro"

	"natster/functions/api"
	"natster/internal/test/eventstest"
)

// asked is a request of a test: it has a subject and where to reply, and a body that nobody keeps.
type asked struct {
	micro.Request
	reply string
}

func (a asked) Subject() string { return "subject" }
func (a asked) Reply() string   { return a.reply }

func TestWhoIsRefusedAgainAndAgainIsAnsweredLater(t *testing.T) {
	alice, bob := eventstest.Account(t), eventstest.Account(t)
	at := time.Unix(1732082400, 0)
	sent := make(map[string]int)
	r := newRefusals(func() time.Time { return at }, func(x refused) { sent[x.reply]++ })
	refuse := func(n int) {
		for range n {
			r.refuse(alice, asked{reply: "alice"}, api.ErrTooMany)
		}
	}
	check := func(when string, want int) {
		t.Helper()
		if sent["alice"] != want {
			t.Errorf("%s: %d refusals are sent, want %d", when, sent["alice"], want)
		}
	}
	later := func(d time.Duration) (more bool) {
		at = at.Add(d)
		now, more := r.due()
		for _, x := range now {
			r.send(x)
		}
		return more
	}
	refuse(refusalsAtOnce + 150)
	check("at once", refusalsAtOnce)
	r.refuse(bob, asked{reply: "bob"}, api.ErrTooMany)
	if sent["bob"] != 1 {
		t.Error("bob is refused later, because of alice")
	}
	if !later(time.Second) {
		t.Error("nothing is left after a second")
	}
	check("a second later", refusalsAtOnce+refusalsPerSecond)
	if later(time.Second) {
		t.Error("something is left after two seconds")
	}
	check("two seconds later", refusalsAtOnce+150)
	refuse(refusalsLate + 1000)
	r.flush()
	if n := sent["alice"] - refusalsAtOnce - 150; n < refusalsLate || n > refusalsLate+refusalsPerSecond {
		t.Errorf("%d of so many are remembered", n)
	}
	if len(r.late) != 0 {
		t.Error("something is late after a flush")
	}
}
