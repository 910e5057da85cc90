package nexlet_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"natster/deploy/nex"
	"natster/functions"
	"natster/internal/test/nexlettest"
	"natster/internal/test/nextest"
	"natster/internal/test/wait"
	"natster/workloads/nexlet"
	"natster/workloads/nexlet/spec"
	"natster/workloads/nexlet/wire"
)

func TestEveryRunIsCountedAndFewAreTold(t *testing.T) {
	const runs, sample = 500, 50 * time.Millisecond
	s := nexlettest.Start(t, echoing(echo))
	s.Node(nextest.Config{Agents: []nextest.Agent{s.Agent(func(c *nexlet.Config) { c.Sample = sample })}})
	c := s.Client("shares")
	events := feedOf(t, s, "shares")
	d := deploy(t, c, "prober")
	s.Running(c, d.ID, wire.Running)
	began := time.Now()
	for range runs {
		if _, err := call(t, s.Account("alice"), "hello"); err != nil {
			t.Fatal(err)
		}
	}
	var told, count float64
	for count < runs {
		body := events.wait(wire.WorkloadTriggered, func(b map[string]any) bool { return b["id"] == d.ID })
		n, _ := body["count"].(float64)
		duration, _ := body["duration"].(float64)
		if n < 1 || duration <= 0 || duration > 5000 || body["namespace"] != "shares" {
			t.Fatalf("told %v", body)
		}
		count += n
		told++
	}
	took := time.Since(began)
	if most := float64(took/sample) + 2; count != runs || told > most { // one at the start, one at the end
		t.Errorf("%v events stand for %v runs in %s, want at most %v", told, count, took, most)
	}
}

func TestLogsGoToTheFeedLineByLine(t *testing.T) {
	s := nexlettest.Start(t, func() []functions.Function {
		fns := echoing(echo)()
		fns[0].New = func(_ context.Context, h functions.Host) (functions.Instance, error) {
			h.Logger.Info("said when it opens", "n", 1)
			h.Logger.Error("complained")
			h.Logger.Debug("whispered")
			return functions.NoClose{}, nil
		}
		return fns
	})
	s.Node(nextest.Config{})
	c := s.Client("shares")
	lines := logsOf(t, c)
	d := deploy(t, c, "prober")
	for _, wants := range []struct{ stream, text string }{{"stdout", "said when it opens"}, {"stderr", "complained"}} {
		lines.wait(func(l nex.Line) bool {
			if strings.Contains(l.Text, "whispered") {
				t.Error("a line below the level")
			}
			return l.Workload == d.ID && l.Stream == wants.stream && strings.Contains(l.Text, wants.text) &&
				!strings.Contains(l.Text, "\n")
		})
	}
}

type lineLog struct {
	t    *testing.T
	came chan nex.Line
}

func logsOf(t *testing.T, c *nex.Client) *lineLog {
	t.Helper()
	l := &lineLog{t, make(chan nex.Line, 1000)}
	owners, err := c.Feeds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	following := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		close(following)
		if err := c.Logs(ctx, owners, func(line nex.Line) { l.came <- line }); err != nil {
			t.Error(err)
		}
	})
	<-following
	t.Cleanup(func() { cancel(); done.Wait() })
	return l
}

func (l *lineLog) wait(right func(nex.Line) bool) {
	l.t.Helper()
	wait.First(l.t, "such a line", l.came, right)
}

func TestUnderASigningKeyTheFeedsAreTheAgents(t *testing.T) {
	s := nexlettest.Start(t, echoing(echo))
	server, account := nextest.SecureServer(t)
	s.Nex, s.URL, s.Creds = server, account.URL, account.Creds
	minted := s.Agent(func(c *nexlet.Config) { c.NexCreds = nil }) // it has only what the node mints
	node := s.Node(nextest.Config{
		Mint:   nextest.SigningKey{T: t, URL: account.URL, Key: account.Key, Account: account.Public},
		Agents: []nextest.Agent{minted},
	})
	c := s.Client("shares")
	events := feedOf(t, s, node.Child(0).ID)
	d := deploy(t, c, "prober")
	w := s.Running(c, d.ID, wire.Running)
	if w.Metadata["feed"] != node.Child(0).ID {
		t.Errorf("the list says %q", w.Metadata["feed"])
	}
	events.wait(
		wire.WorkloadStarted,
		func(b map[string]any) bool { return b["id"] == d.ID && b["namespace"] == "shares" },
	)
	owners, err := c.Feeds(t.Context())
	if err != nil || len(owners) != 2 || owners[1] != node.Child(0).ID {
		t.Errorf("feeds: %v, %v", owners, err)
	}
	answered(t, s.Account("alice"))
	s.Stop(c, d.ID)
}

func TestAStopIsAnsweredAtOnceAndRequestsInHandAreAnswered(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s := nexlettest.Start(t, echoing(func(_ context.Context, _ *functions.Call, q word) (word, error) {
		if q.Word == "wait" {
			close(entered)
			<-release
		}
		return q, nil
	}))
	s.Node(nextest.Config{})
	c := s.Client("shares")
	d := deploy(t, c, "prober")
	s.Running(c, d.ID, wire.Running)
	answer := make(chan error, 1)
	alice := s.Account("alice")
	alice.Conn(t)
	go func() {
		_, err := call(t, alice, "wait")
		answer <- err
	}()
	<-entered
	s.Stop(c, d.ID) // while the request is in hand
	close(release)
	if err := <-answer; err != nil {
		t.Errorf("the request in hand: %v", err)
	}
}

func TestAPanicEndsNothing(t *testing.T) {
	s := nexlettest.Start(t, func() []functions.Function {
		fns := echoing(echo)()
		fns[1].New = func(context.Context, functions.Host) (functions.Instance, error) { panic("at once") }
		return fns
	})
	s.Node(nextest.Config{})
	c := s.Client("shares")
	bad, good := deploy(t, c, "other"), deploy(t, c, "prober")
	w := s.Running(c, bad.ID, wire.Failed)
	if !strings.Contains(w.Metadata["error"], "panic: at once") {
		t.Errorf("it says %q", w.Metadata["error"])
	}
	s.Running(c, good.ID, wire.Running)
	answered(t, s.Account("alice"))
	s.Stop(c, bad.ID)
}

func TestSealedCredentials(t *testing.T) {
	s := nexlettest.Start(t, echoing(echo))
	s.Node(nextest.Config{})
	c := s.Client("shares")
	creds := s.TakeKey("prober") // the nexlet has none now
	if _, err := c.Deploy(t.Context(), nex.Request{Name: "prober", Start: spec.Start{Function: "prober"}}); !errors.Is(
		err,
		nex.ErrRefused,
	) {
		t.Fatalf("without credentials: %v", err)
	}
	d, err := c.Deploy(t.Context(), nex.Request{
		Name: "prober", Start: spec.Start{Function: "prober"},
		Environment: map[string]string{"NATSTER_CREDS": string(creds)},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Running(c, d.ID, wire.Running)
	answered(t, s.Account("alice"))
	run := s.Definition("shares", d.ID).RunRequest
	if strings.Contains(run, "SEED") || !strings.Contains(run, "encrypted_by") {
		t.Errorf("what travels: %s", run)
	}
}
