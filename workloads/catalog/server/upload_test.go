package server_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions/api"
	"natster/internal/test/catalogtest"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
	"natster/workloads/catalog"
	"natster/workloads/catalog/seal"
	"natster/workloads/catalog/server"
)

// aSecond is what others get in one where the clock is a stopped.
const aSecond = 64 << 10

// A stopped is a clock that goes on when it is told to.
type stopped struct{ passed atomic.Int64 }

func (c *stopped) pass(d time.Duration) { c.passed.Add(int64(d)) }

// limit lets others have aSecond in each second of this clock.
func (c *stopped) limit(s *server.Config) {
	begin := time.Now()
	s.Limits.Upload = aSecond
	s.At(func() time.Time { return begin.Add(time.Duration(c.passed.Load())) })
}

// sentTo counts what a server sends to each account.
type sentTo struct {
	mu sync.Mutex
	to map[events.Account]int64
}

func (x *sentTo) watch(c *server.Config) {
	x.to = make(map[events.Account]int64)
	c.Observe = func(a server.Activity) {
		x.mu.Lock()
		defer x.mu.Unlock()
		if a.Verb == events.VerbFetch {
			x.to[a.Caller] += a.Size
		}
	}
}

func (x *sentTo) account(a events.Account) int64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.to[a]
}

// pushed asks for a file over protocol 1.
func pushed(t *testing.T, nc *nats.Conn, e catalog.Entry) {
	t.Helper()
	key, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	q := catalog.DownloadRequest{Hash: e.Hash, Target: key.Public()}
	expectCode(t, catalogtest.Ask(t, nc, subject(events.VerbDownload), q), api.CodeOK)
}

func TestOthersAreSentNoMoreThanTheOwnerAllows(t *testing.T) {
	for name, ask := range map[string]func(*testing.T, *catalogtest.World, *worldtest.Account, catalog.Entry){
		"sessions": func(t *testing.T, w *catalogtest.World, who *worldtest.Account, e catalog.Entry) {
			x := openSession(t, who.Conn(t), w.Alice.Key, who.Key, e, 4096)
			expectCode(t, x.fetch([2]int64{0, 256}), api.CodeOK)
		},
		"pushes": func(t *testing.T, _ *catalogtest.World, who *worldtest.Account, e catalog.Entry) {
			pushed(t, who.Conn(t), e)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := catalogtest.Start(t)
			e := w.Library.Add("a.mp4", catalogtest.Content(1<<20, 1))
			var clock stopped
			var sent sentTo
			w.Serve(t, clock.limit, sent.watch)
			for range 3 {
				ask(t, w, w.Bob, e)
			}
			for second := int64(1); second < 4; second++ {
				wait.Eventually(t, "bob has what may be sent", func() bool {
					return sent.account(w.Bob.Key) >= second*aSecond
				})
				// The owner's other machines have all that they ask for, meanwhile.
				ask(t, w, w.Alice, e)
				wait.Eventually(t, "alice has the file", func() bool {
					return sent.account(events.Account{}) == second<<20
				})
				if n := sent.account(w.Bob.Key); n != second*aSecond {
					t.Fatalf("bob was sent %d bytes in %d s", n, second)
				}
				clock.pass(time.Second)
			}
		}) // and the server stops while three wait
	}
}

func TestWhatTheOwnerAllowsIsSharedFairly(t *testing.T) {
	w := catalogtest.Start(t)
	carol := w.Account("carol")
	w.Import(carol, films, w.Alice)
	w.Shares.Set(api.Share{From: w.Alice.Key, To: w.Bob.Key, Catalog: films},
		api.Share{From: w.Alice.Key, To: carol.Key, Catalog: films})
	e := w.Library.Add("a.mp4", catalogtest.Content(1<<20, 1))
	var clock stopped
	var sent sentTo
	s, _ := w.Serve(t, clock.limit, sent.watch)
	for range 30 {
		x := openSession(t, w.Bob.Conn(t), w.Alice.Key, w.Bob.Key, e, 4096)
		expectCode(t, x.fetch([2]int64{0, 256}), api.CodeOK)
	}
	wait.Eventually(t, "bob has all", func() bool { return s.Usage().Bytes == aSecond })
	expectCode(t, openSession(t, carol.Conn(t), w.Alice.Key, carol.Key, e, 4096).fetch([2]int64{0, 256}), api.CodeOK)
	const seconds = 8
	for i := range uint64(seconds) {
		clock.pass(time.Second)
		wait.Eventually(t, "what may be sent is", func() bool { return s.Usage().Bytes >= (i+2)*aSecond })
	}
	if n := sent.account(carol.Key); n < seconds*aSecond/4 { // half of it, but for a race for some of the turns
		t.Errorf("carol, with one session, was sent %d of %d bytes; bob has thirty", n, seconds*aSecond)
	}
}

// A chunk is taken whole from what may be sent, and what it is shorter is given back.
func TestSmallFilesTakeWhatTheyAre(t *testing.T) {
	w := catalogtest.Start(t)
	var clock stopped
	s, _ := w.Serve(t, clock.limit)
	e := w.Library.Add("a.txt", catalogtest.Content(1<<10, 1))
	for range aSecond >> 10 {
		x := openSession(t, w.Bob.Conn(t), w.Alice.Key, w.Bob.Key, e, 1<<20)
		if x.reply.ChunkSize != aSecond/4 {
			t.Fatalf("a chunk of %d bytes takes long", x.reply.ChunkSize)
		}
		expectCode(t, x.fetch([2]int64{0, 1}), api.CodeOK)
		x.frame()
	}
	wait.Eventually(t, "all are counted", func() bool { return s.Usage().Bytes == aSecond })
}
