package hosts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"natster/deploy/accounts"
	"natster/functions"
	"natster/functions/api"
	"natster/internal/test/functionstest"
	"natster/internal/test/wait"
)

// forever is more failures than a test sees.
const forever = 1000

// A row is a way to fail. The function starts well; then the test breaks it, and its next starts fail.
type row struct {
	// does breaks the function, which runs. A handler that is asked with why panics.
	does func(t *testing.T, h host, f *function, why string)
	// fails is all that a start does which is to fail; failures is how many of them there are, one after the other.
	fails    func(h functions.Host, why string) error
	failures int
	err      string // is logged when a start failed
	says     bool   // and so is why
	// runsOn is set when what was done does not end the run.
	runsOn bool
}

var rows = map[string]row{
	"ends":    {does: cut},
	"panics":  {does: cut, failures: 2, fails: panics, err: "panic: ", says: true},
	"refuses": {does: cut, failures: 2, fails: refuses, says: true},
	"oversteps": {does: cut, failures: 2, err: functions.ErrPermissions.Error(),
		fails: func(h functions.Host, _ string) error {
			_, err := h.Conn.SubscribeSync("not.declared")
			return errors.Join(err, h.Conn.Flush())
		}},
	"stays":   {does: cut, failures: forever, fails: refuses, says: true},
	"handles": {does: handlePanic, runsOn: true},
	"steady":  {does: func(*testing.T, host, *function, string) {}, runsOn: true},
}

func panics(_ functions.Host, why string) error  { panic(why) }
func refuses(_ functions.Host, why string) error { return errors.New(why) }

// revoked cannot connect. It is apart from the others because in one process the server takes ten seconds to refuse.
var revoked = map[string]row{
	"revoked": {does: revoke, failures: forever, err: "connect"},
	"steady":  rows["steady"],
}

// cut ends the run of a function by its connection.
func cut(_ *testing.T, _ host, f *function, _ string) { f.conn().Close() }

// revoke takes the credentials of a function away from it, for good.
func revoke(t *testing.T, h host, f *function, _ string) {
	account, err := h.Keeper().FunctionAccount(f.name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Keeper().User(t.Context(), account, f.name, accounts.Permissions{}); err != nil {
		t.Error(err)
	}
	f.conn().Close()
}

// handlePanic makes a handler panic.
func handlePanic(t *testing.T, h host, f *function, why string) {
	if _, err := f.call(t, h, why); !errors.Is(err, api.ErrInternal) {
		t.Errorf("the panic of a handler is answered with %v", err)
	}
}

type word struct {
	Word string `json:"word"`
}

// A function is that of a row. It answers with the word that it is asked; it panics if that is why.
type function struct {
	row
	name string

	mu     sync.Mutex
	starts []time.Time
	last   functions.Host
}

func (f *function) endpoint() api.Endpoint[word, word] { return api.Endpoint[word, word]{Name: f.name} }

func (f *function) declared() functions.Function {
	return functions.Function{
		Name: f.name,
		Doc:  "fails as its row says",
		Triggers: []functions.Trigger{functions.Request(f.endpoint(), functionstest.Handler(
			func(_ context.Context, _ *functions.Call, q word) (word, error) {
				if q.Word == f.why(0) {
					panic(q.Word)
				}
				return q, nil
			}))},
		New: func(_ context.Context, h functions.Host) (functions.Instance, error) {
			f.mu.Lock()
			f.starts, f.last = append(f.starts, time.Now()), h
			n := len(f.starts) - 1
			f.mu.Unlock()
			if 1 <= n && n <= f.failures {
				return functions.NoClose{}, f.fails(h, f.why(n))
			}
			return functions.NoClose{}, nil
		},
	}
}

// why is what failure n says.
func (f *function) why(n int) string { return fmt.Sprintf("%s, failure %d", f.name, n) }

func (f *function) conn() interface{ Close() } {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last.Conn
}

func (f *function) started() []time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.starts)
}

func (f *function) call(t *testing.T, h host, text string) (string, error) {
	got, err := api.Call(wait.Context(t), api.NewClient(h.Account("alice").Conn(t)), f.endpoint(), word{text})
	return got.Word, err
}

// restarts are the lines that say that the function failed and is started again.
func (f *function) restarts(h host) []string {
	return slices.DeleteFunc(h.log(), func(line string) bool {
		return !strings.Contains(line, "failed; it is started again") || !strings.Contains(line, "="+f.name+" ")
	})
}

func TestOneBehaviourOfAllHosts(t *testing.T) {
	for name, start := range hosts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, all := broken(t, start, rows)
			t.Run("a stop in a pause", func(t *testing.T) { stopInAPause(t, h, all["stays"]) })
		})
		t.Run(name+", which cannot be reached", func(t *testing.T) {
			t.Parallel()
			broken(t, start, revoked)
		})
	}
}

// broken starts a host of all rows, breaks each, and checks what becomes of it.
func broken(t *testing.T, start starter, rows map[string]row) (host, map[string]*function) {
	all := make(map[string]*function)
	var declared []functions.Function
	for name, r := range rows {
		all[name] = &function{row: r, name: name}
		declared = append(declared, all[name].declared())
	}
	h := start(t, declared...)
	began := time.Now()
	for _, f := range all {
		if got, err := f.call(t, h, "hello"); err != nil || got != "hello" {
			t.Fatalf("%s: %q, %v", f.name, got, err)
		}
		f.does(t, h, f, f.why(0))
	}
	for name, f := range all {
		t.Run(name, func(t *testing.T) { f.check(t, h, began) })
	}
	return h, all
}

// check checks what became of the function, which was broken after began.
func (f *function) check(t *testing.T, h host, began time.Time) {
	seen := 1 // failures
	switch {
	case f.runsOn:
		seen = 0
	case f.failures == forever:
		seen = 2
	default:
		seen += f.failures
	}
	what := fmt.Sprintf("%s has failed %d times", f.name, seen)
	wait.Eventually(t, what, func() bool { return len(f.restarts(h)) >= seen })
	if f.failures < forever {
		wait.For(t, f.name+" answers", func() (string, error) { return f.call(t, h, "hello") })
		if got := len(f.started()); got != 1+seen {
			t.Errorf("it was started %d times, want %d", got, 1+seen)
		}
		if got := f.restarts(h); len(got) != seen {
			t.Errorf("failed %d times, logged %d times: %q", seen, len(got), got)
		}
	}
	pause, before := 250*time.Millisecond, began
	for i, at := range f.started()[1:] {
		if i < 3 && at.Sub(before) < pause<<i {
			t.Errorf("start %d came after %s, want a pause of %s", i+2, at.Sub(before), pause<<i)
		}
		before = at
	}
	for i, line := range f.restarts(h)[:seen] {
		if !strings.Contains(line, "level=ERROR") || !strings.Contains(line, " err=") ||
			!strings.Contains(line, fmt.Sprintf(" in=%s ", min(pause<<i, 2*time.Second))) {
			t.Errorf("failure %d is logged as %s", i, line)
		}
		if i == 0 {
			continue
		}
		if !strings.Contains(line, f.err) || f.says && !strings.Contains(line, f.why(i)) {
			t.Errorf("failure %d is logged as %s, want %s %s", i, line, f.err, f.why(i))
		}
	}
}

// stopInAPause stops the host while a function waits for its next start, in two seconds.
func stopInAPause(t *testing.T, h host, f *function) {
	wait.Eventually(t, "a long pause", func() bool { return len(f.restarts(h)) >= 4 })
	began, starts := time.Now(), len(f.started())
	h.stop()
	took := time.Since(began)
	if t.Logf("stopped in %s", took); took > time.Second {
		t.Errorf("the stop took %s", took)
	}
	if got := len(f.started()); got != starts {
		t.Errorf("%d starts after the stop", got-starts)
	}
}
