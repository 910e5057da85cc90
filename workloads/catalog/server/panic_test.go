package server_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"natster/events"
	"natster/functions/api"
	"natster/internal/supervise"
	"natster/internal/test/catalogtest"
	"natster/internal/test/wait"
	"natster/workloads/catalog"
	"natster/workloads/catalog/seal"
	"natster/workloads/catalog/server"
)

// What a world, a nexlet and natster catalog serve do: Serve under supervision. Wherever the first panic is, the
// catalog is served after it.
func TestACatalogIsServedAfterAPanic(t *testing.T) {
	for _, where := range []string{"Follow", "Revision", "Changes", "Contents", "OpenFile", "Shares"} {
		t.Run(where, func(t *testing.T) {
			w := catalogtest.Start(t)
			e := w.Library.Add("a.mp4", catalogtest.Content(10, 1))
			f := &faulty{Library: w.Library, Shares: w.Shares, where: where, again: make(chan bool)}
			var log syncBuffer
			logger := slog.New(slog.NewTextHandler(&log, nil))
			nc := w.Alice.Connect(t)
			defer nc.Close()
			ctx, stop := context.WithCancel(t.Context())
			ready := make(chan bool, 1)
			var serving sync.WaitGroup
			serving.Go(func() {
				supervise.Run(ctx, supervise.Config{Logger: logger}, func(ctx context.Context, _ func()) error {
					return server.Serve(ctx, server.Config{
						Conn: nc, Account: w.Alice.Key, Shares: f.shares(), Logger: logger,
						Catalogs: []server.Library{f},
					}, func(*server.Server) { ready <- true })
				})
			})
			defer serving.Wait()
			defer stop()
			<-ready
			key, _ := seal.NewKey()
			ask := map[string]any{
				events.VerbGet:      nil,
				events.VerbDownload: catalog.DownloadRequest{Hash: e.Hash, Target: key.Public(), Protocol: 2},
			}
			for verb, body := range ask {
				wait.Eventually(t, verb+" is answered", func() bool {
					return catalogtest.Ask(t, w.Bob.Conn(t), subject(verb), body).Code == api.CodeOK
				})
			}
			<-f.again // what panicked goes on
			if s := log.String(); !strings.Contains(s, "as told") || !strings.Contains(s, "panic_test.go") {
				t.Errorf("the log does not tell of it:\n%s", s)
			}
		})
	}
}

func TestAPanicWhileAFileIsOpenedTakesNoPlace(t *testing.T) {
	for _, protocol := range []int{1, 2} {
		w := catalogtest.Start(t)
		e := w.Library.Add("a.mp4", catalogtest.Content(10, 1))
		w.Serve(t, func(c *server.Config) {
			c.Catalogs = []server.Library{&faulty{Library: w.Library, where: "OpenFile", again: make(chan bool)}}
			c.Limits.Sessions, c.Limits.Pushes = 1, 1
		})
		key, _ := seal.NewKey()
		q := catalog.DownloadRequest{Hash: e.Hash, Target: key.Public(), Protocol: protocol}
		for _, want := range []api.Code{api.CodeInternal, api.CodeOK} {
			expectCode(t, catalogtest.Ask(t, w.Bob.Conn(t), subject(events.VerbDownload), q), want)
		}
	}
}

// faulty is a library and its shares of which one method panics when it is called first.
type faulty struct {
	server.Library
	server.Shares
	where string

	mu    sync.Mutex
	calls int
	again chan bool // closed when it is called again
}

func (f *faulty) at(method string) {
	if method != f.where {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch f.calls++; f.calls {
	case 1:
		panic("as told")
	case 2:
		close(f.again)
	}
}

type faultyShares struct{ *faulty }

func (f *faulty) shares() server.Shares { return faultyShares{f} }
func (f faultyShares) Shares(ctx context.Context) ([]api.Share, error) {
	f.at("Shares")
	return f.faulty.Shares.Shares(ctx)
}
func (f faultyShares) Observe(position uint64) { f.faulty.Shares.Observe(position) }

func (f *faulty) Follow(ctx context.Context) error { f.at("Follow"); return f.Library.Follow(ctx) }
func (f *faulty) Revision() int64                  { f.at("Revision"); return f.Library.Revision() }
func (f *faulty) Changes() <-chan struct{}         { f.at("Changes"); return f.Library.Changes() }
func (f *faulty) Contents() catalog.Contents       { f.at("Contents"); return f.Library.Contents() }
func (f *faulty) OpenFile(h events.Hash) (catalog.File, error) {
	f.at("OpenFile")
	return f.Library.OpenFile(h)
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
