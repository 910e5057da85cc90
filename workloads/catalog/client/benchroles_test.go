//go:build unix

package client_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/deploy/accounts"
	"natster/deploy/world"
	"natster/events"
	"natster/functions/api"
	"natster/internal/test/catalogtest"
	"natster/workloads/catalog"
	"natster/workloads/catalog/client"
	"natster/workloads/catalog/library"
	"natster/workloads/catalog/server"
)

// The benchmarks measure with three processes: this one has the NATS server, and starts itself twice more, in the role
// that roleVariable names. NATSTER_BENCH_MB sets the size of the file, default 1024.
const roleVariable = "NATSTER_BENCH_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		if dir := os.Getenv("NATSTER_BENCH_PROFILES"); dir != "" {
			f, err := os.Create(filepath.Join(dir, role+".prof"))
			if err == nil {
				err = pprof.StartCPUProfile(f)
			}
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
			stop := make(chan os.Signal, 1)
			signal.Notify(stop, syscall.SIGTERM)
			go func() { <-stop; pprof.StopCPUProfile(); os.Exit(0) }()
		}
		if err := roles[role](context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, role, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// setting is what a child process is told, as JSON on its standard input.
type setting struct {
	Info      world.Info
	Creds     accounts.Creds
	Me, Other events.Account
	Dir       string
	Entry     catalog.Entry
	ChunkSize int
	Window    int
	Protocol1 bool
}

var roles = map[string]func(context.Context) error{
	"serve": serveRole, "receive": receiveRole,
	"raw-send": rawSendRole, "raw-receive": rawReceiveRole, "slow": slowRole,
}

func readSetting() (s setting, nc *nats.Conn, err error) {
	if err = json.NewDecoder(os.Stdin).Decode(&s); err != nil {
		return
	}
	nc, err = s.Info.Connect(context.Background(), s.Creds)
	return
}

type always []api.Share

func (a always) Shares(context.Context) ([]api.Share, error) { return a, nil }

func serveRole(ctx context.Context) error {
	set, nc, err := readSetting()
	if err != nil {
		return err
	}
	lib, err := library.Open(ctx, library.Config{Dir: set.Dir, Name: catalogtest.Films})
	if err == nil {
		_, err = lib.Scan(ctx)
	}
	if err != nil {
		return err
	}
	return server.Serve(ctx, server.Config{Conn: nc, Account: set.Me, Catalogs: []server.Library{lib},
		Shares: always{{From: set.Me, To: set.Other, Catalog: catalogtest.Films}},
	}, func(*server.Server) { fmt.Println("ready") })
}

func receiveRole(ctx context.Context) error {
	set, nc, err := readSetting()
	if err != nil {
		return err
	}
	c := client.New(client.Config{Conn: nc, Account: set.Me, ChunkSize: set.ChunkSize, Window: set.Window})
	fmt.Println("ready")
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		began := time.Now()
		var r client.Result
		if set.Protocol1 {
			r, err = client.DownloadPushed(c, ctx, catalogtest.Films, set.Entry, set.Dir)
		} else {
			r, err = c.Download(ctx, catalogtest.Films, []catalog.Entry{set.Entry}, set.Dir, client.Options{})
		}
		if err != nil {
			return err
		}
		took := time.Since(began)
		if err := os.Remove(filepath.Join(set.Dir, set.Entry.Path)); err != nil {
			return err
		}
		fmt.Println("done", took.Nanoseconds(), r.Bytes)
	}
	return in.Err()
}

const rawSession = "RAW"

// rawReceiveRole takes messages over the same subjects and asks for more of them, as a receiver of protocol 2 does, and
// does nothing with them.
func rawReceiveRole(ctx context.Context) error {
	set, nc, err := readSetting()
	if err != nil {
		return err
	}
	n := int(set.Entry.Size) / set.ChunkSize
	ask := events.CatalogSubject(catalogtest.Films, events.VerbFetch)
	media := events.MediaSubject(events.Account{}, catalogtest.Films, rawSession)
	got, done := 0, make(chan struct{})
	sub, err := nc.Subscribe(media, func(m *nats.Msg) {
		if got++; got%4 == 0 && got < n {
			_ = nc.Publish(ask, []byte("4"))
		}
		if got == n {
			close(done)
		}
	})
	if err != nil {
		return err
	}
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return err
	}
	fmt.Println("ready")
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		began := time.Now()
		got, done = 0, make(chan struct{})
		_ = nc.Publish(ask, []byte(strconv.Itoa(max(4, set.Window/set.ChunkSize/4*4))))
		<-done
		fmt.Println("done", time.Since(began).Nanoseconds(), set.Entry.Size)
	}
	return in.Err()
}

func rawSendRole(context.Context) error {
	set, nc, err := readSetting()
	if err != nil {
		return err
	}
	body := make([]byte, set.ChunkSize)
	_, err = nc.Subscribe(events.CatalogService(catalogtest.Films, events.VerbFetch), func(m *nats.Msg) {
		n, _ := strconv.Atoi(string(m.Data))
		for range n {
			_ = nc.Publish(events.MediaSubject(set.Other, catalogtest.Films, rawSession), body)
		}
	})
	if err == nil {
		err = nc.Flush()
	}
	fmt.Println("ready")
	if err == nil {
		select {}
	}
	return err
}

// child starts a role and returns a function that runs it once, and the process.
func child(tb testing.TB, role string, s setting) (once func() (time.Duration, int64), p *exec.Cmd) {
	tb.Helper()
	p = exec.Command(os.Args[0])
	p.Env = append(os.Environ(), roleVariable+"="+role)
	p.Stderr = os.Stderr
	in, err := p.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := p.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := p.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = p.Process.Signal(syscall.SIGTERM)
		_ = p.Wait()
	})
	lines := bufio.NewScanner(out)
	line := func() []string {
		if !lines.Scan() {
			tb.Fatalf("%s ended: %v", role, lines.Err())
		}
		return strings.Fields(lines.Text())
	}
	text, err := json.Marshal(s)
	if err != nil {
		tb.Fatal(err)
	}
	fmt.Fprintln(in, string(text))
	line()
	return func() (time.Duration, int64) {
		fmt.Fprintln(in, "go")
		f := line()
		ns, _ := strconv.ParseInt(f[1], 10, 64)
		n, _ := strconv.ParseInt(f[2], 10, 64)
		return time.Duration(ns), n
	}, p
}

// slowRole is a hundred receivers, each with a link of its own of 100 KB/s, who download until they are killed. It
// reports every second how many bytes have come to all of them, and how often a connection was lost.
func slowRole(ctx context.Context) error {
	var set setting
	if err := json.NewDecoder(os.Stdin).Decode(&set); err != nil {
		return err
	}
	var got, lost atomic.Int64
	var ready sync.WaitGroup
	for i := range 100 {
		ready.Add(1)
		go func() {
			nc, err := set.Info.Connect(ctx, set.Creds, nats.SetCustomDialer(slowLink{}),
				nats.DisconnectErrHandler(func(*nats.Conn, error) { lost.Add(1) }))
			ready.Done()
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return
			}
			c := client.New(client.Config{Conn: nc, Account: set.Me})
			var last int64
			dir := filepath.Join(set.Dir, strconv.Itoa(i))
			_, err = c.Download(ctx, catalogtest.Films, []catalog.Entry{set.Entry}, dir, client.Options{
				Progress: func(p client.Progress) { got.Add(p.Done - last); last = p.Done },
			})
			fmt.Fprintln(os.Stderr, "a slow download ended:", err)
		}()
	}
	ready.Wait()
	fmt.Println("ready")
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		fmt.Println("done", lost.Load(), got.Load())
	}
	return in.Err()
}

// slowLink dials connections that are read at 100 KB/s.
type slowLink struct{}

type slowConn struct{ net.Conn }

func (c *slowConn) Read(b []byte) (int, error) {
	const rate, step = 100_000, 10_000
	n, err := c.Conn.Read(b[:min(len(b), step)])
	time.Sleep(time.Duration(n) * time.Second / rate)
	return n, err
}
