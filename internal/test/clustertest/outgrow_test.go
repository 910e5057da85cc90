package clustertest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/deploy/nex"
	"natster/events"
	"natster/functions"
	"natster/functions/accounts"
	"natster/functions/api"
	"natster/functions/catalogs"
	"natster/functions/eventwriter"
	"natster/functions/logins"
	"natster/functions/projection"
	"natster/functions/shares"
	"natster/functions/stats"
	"natster/functions/view"
	"natster/internal/jet"
	"natster/internal/test/clustertest"
	"natster/internal/test/logtest"
	"natster/internal/test/nextest"
	"natster/internal/test/wait"
	"natster/workloads/nexlet"
)

// The test binary is also the nexlet, as a process that can be killed.
func TestMain(m *testing.M) {
	if os.Getenv("CLUSTER_TEST_URLS") == "" {
		os.Exit(m.Run())
	}
	if err := beNexlet(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func beNexlet() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	place, err := nexlet.PlaceFrom(os.Getenv)
	if err != nil {
		return err
	}
	n, err := nexlet.New(nexlet.Config{
		Place:     &place,
		Functions: func() ([]functions.Function, error) { return writers(), nil },
		Keys:      nexlet.KeyDir(os.Getenv("CLUSTER_TEST_KEYS")),
		State:     os.Getenv("CLUSTER_TEST_STATE"),
		Dial: func(_ context.Context, creds []byte, options ...nats.Option) (*nats.Conn, error) {
			all := []nats.Option{
				nats.UserCredentialBytes(creds), nats.MaxReconnects(-1), nats.ReconnectWait(20 * time.Millisecond),
			}
			return nats.Connect(os.Getenv("CLUSTER_TEST_URLS"), append(all, options...)...)
		},
	})
	if err != nil {
		return err
	}
	return n.Run(ctx)
}

func writers() []functions.Function {
	return []functions.Function{
		eventwriter.New(eventwriter.Config{}), accounts.New(), catalogs.New(), shares.New(), logins.New(), stats.New(),
	}
}

const (
	deadline = 30 * time.Second // of a request, with all its attempts
	attempt  = 2 * time.Second
)

// share asks until it is answered: an attempt that falls on whoever is being killed is made again, within the deadline.
// To share what is shared changes nothing, so it may.
func share(ctx context.Context, client *api.Client, c events.Catalog, to events.Account) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	for {
		once, cancel := context.WithTimeout(ctx, attempt)
		err := client.Share(once, c, to)
		cancel()
		if !errors.Is(err, api.ErrUnavailable) || ctx.Err() != nil {
			return err
		}
	}
}

// TestNothingIsLostWhenANexletAndThenAServerAreKilled plays what the README says about more machines: three servers,
// streams with three replicas, two nodes with a nexlet each, every function twice.
func TestNothingIsLostWhenANexletAndThenAServerAreKilled(t *testing.T) {
	c := clustertest.Start(t, 3)
	keys := t.TempDir()
	c.Grant(keys, writers()...)
	nexURL := nextest.Server(t).ClientURL()
	nodes := make([]*nextest.Node, 2)
	for i := range nodes {
		state := t.TempDir()
		nodes[i] = nextest.Start(t, nextest.Config{URL: nexURL, Name: fmt.Sprint("node", i), Agents: []nextest.Agent{
			nextest.Program(func() *exec.Cmd {
				cmd := exec.Command(os.Args[0], "-test.run=^$")
				cmd.Env = []string{
					"CLUSTER_TEST_URLS=" + c.URLs(), "CLUSTER_TEST_KEYS=" + keys, "CLUSTER_TEST_STATE=" + state,
				}
				cmd.Stderr = t.Output()
				return cmd
			}),
		}})
		ctx, cancel := context.WithTimeout(t.Context(), wait.Patience)
		defer cancel()
		if err := nodes[i].Healthy(ctx, "natster"); err != nil {
			t.Fatal(err)
		}
	}
	nc, err := nats.Connect(nexURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	control, err := nex.New(nex.Config{Conn: nc})
	if err != nil {
		t.Fatal(err)
	}
	steps, err := control.Up(t.Context(), nex.Wants(writers()), nex.Options{Replicas: 2})
	if err != nil || len(steps) != 12 {
		t.Fatalf("%v, %v", steps, err)
	}

	// Three accounts share, each with ever new others, while a nexlet is killed, and then the log's leader.
	const strangers = 50
	if err := logtest.Introduce(t.Context(), c.Admin, strangers); err != nil {
		t.Fatal(err)
	}
	var accepted sync.Map // origin, target and catalog of each share that was acknowledged
	var count atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var busy sync.WaitGroup
	var last [3]*api.Client
	for i := range last {
		e, conn := c.Enrol(fmt.Sprint("user", i))
		client := api.NewClient(conn)
		last[i] = client
		introduce(t, client, e.Account)
		busy.Go(func() {
			for k := 0; ctx.Err() == nil; k++ {
				to := logtest.Account(k % strangers)
				// A request that has begun is finished, so that its answer is known.
				films := logtest.Catalog(fmt.Sprint("films", k/strangers))
				if err := share(context.WithoutCancel(ctx), client, films, to); err != nil {
					t.Errorf("request %d of user %d: %v", k, i, err)
					return
				}
				accepted.Store(e.Account.String()+" "+to.String()+" "+films.String(), true)
				count.Add(1)
			}
		})
	}
	reach := func(n int64) {
		t.Helper()
		goal := count.Load() + n
		wait.Eventually(t, "more shares are accepted", func() bool { return count.Load() >= goal || t.Failed() })
		if t.Failed() {
			t.Fatalf("only %d shares were accepted", count.Load())
		}
	}
	reach(100)
	nodes[0].Kill()
	nodes[0].Child(0).Kill()
	reach(100)
	c.Kill(c.LeaderOf(events.LogStream))
	reach(100)
	stop()
	busy.Wait()

	host, err := functions.Open(c.Admin, jet.Own)
	if err != nil {
		t.Fatal(err)
	}
	patience, cancel := context.WithTimeout(t.Context(), wait.Patience)
	defer cancel()
	views := host.Views
	var position uint64
	for _, client := range last {
		position = max(position, client.Position())
	}
	if err := projection.Settle(patience, views, position, view.Projections()...); err != nil {
		t.Fatalf("the projections do not reach position %d: %v", position, err)
	}
	var all []events.Envelope
	logged := map[string]int{}
	if _, err := host.Log.Replay(patience, 1, position, func(e events.Envelope, undecodable error) error {
		all = append(all, e)
		if e.Type == events.Shared {
			logged[e.Origin.String()+" "+e.Target.String()+" "+e.Catalog.String()]++
		}
		return undecodable
	}); err != nil {
		t.Fatal(err)
	}
	accepted.Range(func(k, _ any) bool {
		if n := logged[k.(string)]; n != 1 {
			t.Errorf("share %v was accepted, and is in the log %d times", k, n)
		}
		return true
	})
	t.Logf("%d shares accepted, %d events", count.Load(), len(all))
	same(t, views, accounts.Projection(), all)
	same(t, views, catalogs.Projection(), all)
	same(t, views, shares.Projection(), all)
	same(t, views, stats.Projection(), all)
}

func introduce(t testing.TB, client *api.Client, me events.Account) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	for {
		once, cancel := context.WithTimeout(ctx, attempt)
		err := client.Initialize(once, me, "", "user")
		cancel()
		if err == nil {
			return
		}
		if !errors.Is(err, api.ErrUnavailable) || ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

// same holds a projection's bucket to a replay of the log.
func same[D comparable](t *testing.T, views *view.Reader, p projection.Projection[D], all []events.Envelope) {
	t.Helper()
	want, err := p.Fold(all...)
	if err != nil {
		t.Fatal(err)
	}
	s, err := views.Read(t.Context(), p.Bucket, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for from := uint64(1); from != 0; {
		var page []view.Found
		if page, from, err = views.Page(t.Context(), p.Bucket, s.Generation, ">", from, 1000); err != nil {
			t.Fatal(err)
		}
		for _, f := range page {
			got[f.Key] = string(f.Value)
			if f.Value == nil {
				delete(got, f.Key)
			}
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("%s: %d documents, a replay makes %d", p.Bucket.Name, len(got), len(want))
		for _, k := range slices.Sorted(maps.Keys(want)) {
			if got[k] != want[k] {
				t.Errorf("%s is %s, want %s", k, got[k], want[k])
			}
		}
	}
}
