//go:build browser

package e2e

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"natster/deploy/world"
	"natster/events"
	"natster/functions/api"
	"natster/functions/websessions"
	"natster/internal/test/catalogtest"
	"natster/internal/test/worldtest"
	"natster/workloads/catalog/library"
	"natster/workloads/catalog/server"
	"natster/workloads/web"
)

// A stage is everything that the browser meets, and a control by which its side of a test moves the rest of the world.
type stage struct {
	t       *testing.T
	w       *worldtest.World
	tap     *tap
	log     syncBuffer
	url     string // of the site
	open    string // the same, for a browser that may sign in
	control string // of the stage
	files   *fixture
	library *library.Library
	album   *library.Library // many pictures, once they are wanted
	shared  atomic.Uint64    // the position in the log of what alice shared last

	alice, bob *worldtest.Account
	films      events.Catalog

	mu   sync.Mutex
	stop map[string]func() // catalog servers, by whose or what they are
	kill map[string]func() // the same without a goodbye: their connections
	now  time.Duration
}

func newStage(t *testing.T, files *fixture) *stage {
	s := &stage{t: t, files: files, stop: make(map[string]func()), kill: make(map[string]func())}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.url = "http://" + l.Addr().String()
	s.w = worldtest.Start(t, func(c *worldtest.Config) { c.ClaimURL = s.url + web.ClaimPath })
	ws, err := url.Parse(s.w.WebSocketURL())
	if err != nil {
		t.Fatal(err)
	}
	s.tap = newTap(t, ws.Host)
	s.site(l)

	s.alice, s.bob = s.person("alice"), s.person("bob")
	if s.films, err = events.ParseCatalog("films"); err != nil {
		t.Fatal(err)
	}
	for name, m := range s.files.marks {
		s.tap.mark(name, m)
	}
	if s.library, err = library.Open(t.Context(), library.Config{
		Dir: s.files.dir, Name: s.films, Description: "Films, pictures and a few traps", Quiet: 100 * time.Millisecond,
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.library.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.share(s.films)
	t.Cleanup(s.endCatalog)

	c := httptest.NewServer(s.controls())
	t.Cleanup(c.Close)
	s.control = c.URL
	return s
}

// site serves the website on l until the test ends.
func (s *stage) site(l net.Listener) {
	conn, err := s.w.Website(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	proxy, err := world.ProxyKey(s.w.Config().Dir)
	if err != nil {
		s.t.Fatal(err)
	}
	site, err := web.New(web.Config{
		URL: s.url, Functions: conn, NATS: s.nats(), SignProxy: proxy.Sign, Hub: s.w.Info().Hub,
		Logger: slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now: func() time.Time {
			s.mu.Lock()
			defer s.mu.Unlock()
			return time.Now().Add(s.now)
		},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
	s.open = site.OpenURL()
	ended := make(chan error, 1)
	go func() { ended <- site.Serve(ctx, l) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Logf("the site ended with %v", err)
		}
		conn.Close()
	})
}

// nats is where the site finds NATS: through the tap, if that listens for anything.
func (s *stage) nats() string {
	if s.files.marks == nil {
		return s.w.WebSocketURL()
	}
	return "ws://" + s.tap.listener.Addr().String()
}

func (s *stage) person(name string) *worldtest.Account {
	a := s.w.Account(name)
	if err := api.NewClient(a.Conn(s.t)).Initialize(s.t.Context(), a.Key, a.Key.String(), name); err != nil {
		s.t.Fatal(err)
	}
	return a
}

func (s *stage) share(c events.Catalog) {
	client := api.NewClient(s.alice.Conn(s.t))
	if err := client.Share(s.t.Context(), c, s.bob.Key); err != nil {
		s.t.Error(err)
	}
	s.shared.Store(client.Position())
}

// startCatalog serves alice's films.
func (s *stage) startCatalog() error { return s.serve(s.alice, s.library) }

func (s *stage) endCatalog() { s.end(s.alice.Name) }

// serve serves a catalog of a, in the place of what it served before.
func (s *stage) serve(a *worldtest.Account, l *library.Library) error { return s.serveAs(a.Name, a, l) }

// serveAs is serve for what is ended as something else than a's.
func (s *stage) serveAs(what string, a *worldtest.Account, l *library.Library) error {
	s.end(what)
	nc := a.Connect(s.t)
	shares := api.NewClient(nc)
	shares.Observe(s.shared.Load()) // else the server's first look may miss it, and the next is ten seconds later
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
	ready, ended := make(chan bool), make(chan error, 1)
	go func() {
		ended <- server.Serve(ctx, server.Config{
			Conn: nc, Account: a.Key, Catalogs: []server.Library{catalogtest.Still(l)}, Shares: shares,
		}, func(*server.Server) { close(ready) })
	}()
	select {
	case <-ready:
	case err := <-ended:
		cancel()
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kill[what] = nc.Close
	s.stop[what] = func() {
		cancel()
		<-ended
		nc.Close()
	}
	return nil
}

func (s *stage) end(what string) {
	s.mu.Lock()
	stop := s.stop[what]
	delete(s.stop, what)
	s.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// serveBobs serves a catalog of bob's own.
func (s *stage) serveBobs() error {
	dir := s.t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "first.txt"), []byte("a sketch of something"), 0o600); err != nil {
		return err
	}
	name, err := events.ParseCatalog("sketches")
	if err != nil {
		return err
	}
	l, err := library.Open(s.t.Context(), library.Config{Dir: dir, Name: name, Description: "Things that Bob drew"})
	if err != nil {
		return err
	}
	if _, err := l.Scan(s.t.Context()); err != nil {
		return err
	}
	s.t.Cleanup(func() { s.end(s.bob.Name) })
	return s.serve(s.bob, l)
}

// serveAlbum shares and serves a catalog of alice's with so many small pictures, or the one there is.
func (s *stage) serveAlbum(pictures int) error {
	if s.album == nil {
		dir := s.t.TempDir()
		for i := range pictures {
			m := image.NewPaletted(image.Rect(0, 0, 4, 3), color.Palette{color.RGBA{uint8(i), uint8(i >> 8), 90, 255}})
			var b bytes.Buffer
			if err := png.Encode(&b, m); err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%04d.png", i)), b.Bytes(), 0o600); err != nil {
				return err
			}
		}
		name, err := events.ParseCatalog("album")
		if err != nil {
			return err
		}
		if s.album, err = library.Open(s.t.Context(), library.Config{Dir: dir, Name: name}); err != nil {
			return err
		}
		if _, err := s.album.Scan(s.t.Context()); err != nil {
			return err
		}
		s.share(name)
		s.t.Cleanup(func() { s.end("album") })
	}
	return s.serveAs("album", s.alice, s.album)
}

// alicesShares are the catalogs that others share with alice, but for the hub's.
func (s *stage) alicesShares(ctx context.Context) (any, error) {
	all, err := api.NewClient(s.alice.Conn(s.t)).Shares(ctx)
	names := []string{}
	for _, x := range all {
		if x.To == s.alice.Key && x.From == s.bob.Key {
			names = append(names, x.Catalog.String())
		}
	}
	return names, err
}

// code is what `natster login` prints for a.
func (s *stage) code(ctx context.Context, a *worldtest.Account) (api.OneTimeCode, error) {
	client := api.NewClient(a.Conn(s.t))
	x, err := api.Call(ctx, client, api.WebXKey, api.None{})
	if err != nil {
		return api.OneTimeCode{}, err
	}
	seed, err := s.w.Keeper().AddWebKey(ctx, a.Key)
	if err != nil {
		return api.OneTimeCode{}, err
	}
	s.tap.mark("the web key's seed", seed)
	sealed, err := websessions.SealKey(x.XKey, a.Key, seed)
	if err != nil {
		return api.OneTimeCode{}, err
	}
	return client.GenerateCode(ctx, api.Context{AccountName: a.Name, AccountPublicKey: a.Key, WebKey: sealed})
}

// checkZip reads an archive, and compares every file in it with alice's.
func (s *stage) checkZip(path string) error {
	z, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer func() { _ = z.Close() }()
	if len(z.File) != 6 {
		return fmt.Errorf("the archive has %d files", len(z.File))
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return err
		}
		got, err := io.ReadAll(r) // which checks the CRC
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		want, err := os.ReadFile(s.files.path("pictures/" + f.Name))
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("%s is not what alice has", f.Name)
		}
	}
	return nil
}

// controls are what the browser's side of a test can ask for.
func (s *stage) controls() http.Handler {
	mux := http.NewServeMux()
	on := func(name string, f func(ctx context.Context, arg string) (any, error)) {
		mux.HandleFunc("POST /"+name, func(w http.ResponseWriter, r *http.Request) {
			v, err := f(r.Context(), r.URL.Query().Get("arg"))
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			_ = json.NewEncoder(w).Encode(v)
		})
	}
	on("code", func(ctx context.Context, _ string) (any, error) { return s.code(ctx, s.bob) })
	on("alices-code", func(ctx context.Context, _ string) (any, error) { return s.code(ctx, s.alice) })
	on("serve", func(context.Context, string) (any, error) { return nil, s.startCatalog() })
	on("stop-serving", func(context.Context, string) (any, error) { s.endCatalog(); return nil, nil })
	on("kill-serving", func(context.Context, string) (any, error) {
		s.mu.Lock()
		kill := s.kill[s.alice.Name]
		s.mu.Unlock()
		kill()
		s.endCatalog()
		return nil, nil
	})
	on("share", func(context.Context, string) (any, error) { s.share(s.films); return nil, nil })
	on("serve-bobs", func(context.Context, string) (any, error) { return nil, s.serveBobs() })
	on("stop-bobs", func(context.Context, string) (any, error) { s.end(s.bob.Name); return nil, nil })
	on("album", func(_ context.Context, arg string) (any, error) {
		n, err := strconv.Atoi(arg)
		if err != nil {
			return nil, err
		}
		return nil, s.serveAlbum(n)
	})
	on("original", func(context.Context, string) (any, error) { return nil, s.serveOriginal() })
	on("stop-album", func(context.Context, string) (any, error) { s.end("album"); return nil, nil })
	on("offer", func(_ context.Context, arg string) (any, error) {
		c, err := events.ParseCatalog(arg)
		if err == nil {
			s.share(c)
		}
		return nil, err
	})
	on("bob-shares", func(ctx context.Context, arg string) (any, error) {
		c, err := events.ParseCatalog(arg)
		if err == nil {
			err = api.NewClient(s.bob.Conn(s.t)).Share(ctx, c, s.alice.Key)
		}
		return nil, err
	})
	on("alices-shares", func(ctx context.Context, _ string) (any, error) { return s.alicesShares(ctx) })
	on("unshare", func(ctx context.Context, _ string) (any, error) {
		return nil, api.NewClient(s.alice.Conn(s.t)).Unshare(ctx, s.films, s.bob.Key)
	})
	on("restart-world", func(context.Context, string) (any, error) { s.w.Restart(s.t); return nil, nil })
	on("logout-web", func(ctx context.Context, _ string) (any, error) {
		return s.w.Keeper().RevokeWebKeys(ctx, s.bob.Key)
	})
	on("slow", func(_ context.Context, arg string) (any, error) {
		n, err := strconv.ParseInt(arg, 10, 64)
		s.tap.rate.Store(n)
		return nil, err
	})
	on("change", func(_ context.Context, arg string) (any, error) {
		return nil, os.WriteFile(s.files.path(arg), bytes.Repeat([]byte("changed"), 1<<20), 0o600)
	})
	on("zip", func(_ context.Context, arg string) (any, error) { return nil, s.checkZip(arg) })
	on("later", func(_ context.Context, arg string) (any, error) {
		d, err := time.ParseDuration(arg)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.now += d
		return nil, err
	})
	on("files", func(context.Context, string) (any, error) { return s.library.Contents(), nil })
	on("accounts", func(context.Context, string) (any, error) {
		return map[string]string{"alice": s.alice.Key.String(), "bob": s.bob.Key.String()}, nil
	})
	on("tap", func(context.Context, string) (any, error) {
		s.tap.mu.Lock()
		defer s.tap.mu.Unlock()
		return map[string]any{"bytes": s.tap.bytes, "marks": len(s.tap.marks), "seen": s.tap.seen}, nil
	})
	on("log", func(context.Context, string) (any, error) { return s.log.String() + s.w.Log(), nil })
	return mux
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
