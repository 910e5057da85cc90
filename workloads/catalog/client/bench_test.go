package client_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/deploy/accounts"
	"natster/deploy/world"
	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog"
	"natster/workloads/catalog/client"
	"natster/workloads/catalog/internal/catalogtest"
	"natster/workloads/catalog/library"
	"natster/workloads/catalog/server"
)

// The benchmarks measure with three processes: this one has the NATS server, and starts itself twice more, as whoever
// roleVariable says. NATSTER_BENCH_MB sets the size of the file, default 1024.
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
	Rate      int
	Receivers int
}

var roles = map[string]func(context.Context) error{
	"serve": serveRole, "receive": receiveRole, "raw-send": rawSendRole, "raw-receive": rawReceiveRole, "slow": slowRole,
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
func (always) Observe(uint64)                                {}

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
	s, err := server.New(server.Config{Conn: nc, Account: set.Me, Catalogs: []server.Library{server.Local(lib)},
		Shares: always{{From: set.Me, To: set.Other, Catalog: catalogtest.Films}}})
	if err != nil {
		return err
	}
	go func() { <-s.Ready(); fmt.Println("ready") }()
	return s.Run(ctx)
}

func receiveRole(ctx context.Context) error {
	set, nc, err := readSetting()
	if err != nil {
		return err
	}
	c := client.NewWith(client.Config{Conn: nc, Account: set.Me, ChunkSize: set.ChunkSize, Window: set.Window})
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

// rawReceiveRole takes messages over the same subjects and asks for more of them, as a receiver of protocol 2 does, and does
// nothing with them.
func rawReceiveRole(ctx context.Context) error {
	set, nc, err := readSetting()
	if err != nil {
		return err
	}
	n := int(set.Entry.Size) / set.ChunkSize
	ask, media := events.CatalogSubject(catalogtest.Films, events.VerbFetch), events.MediaSubject(events.Account{}, catalogtest.Films, rawSession)
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

func benchSize() int64 {
	if mb, err := strconv.Atoi(os.Getenv("NATSTER_BENCH_MB")); err == nil {
		return int64(mb) << 20
	}
	return 1 << 30
}

// cpu is the CPU time a process has used.
func cpu(pid int) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+2:]))
	u, _ := strconv.Atoi(f[11])
	s, _ := strconv.Atoi(f[12])
	return time.Duration(u+s) * 10 * time.Millisecond
}

func BenchmarkThreeProcesses(b *testing.B) {
	w := catalogtest.Start(b)
	size := benchSize()
	dir := b.TempDir()
	file, err := os.Create(filepath.Join(dir, "film.mp4"))
	if err != nil {
		b.Fatal(err)
	}
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(file, h), io.LimitReader(rand.Reader, size)); err != nil {
		b.Fatal(err)
	}
	_ = file.Close()
	e := catalog.Entry{Path: "film.mp4", Size: size, Hash: events.Hash(h.Sum(nil))}
	alice := setting{Info: w.Info(), Creds: w.Alice.Creds, Me: w.Alice.Key, Other: w.Bob.Key, Dir: dir, Entry: e}
	bob := setting{Info: w.Info(), Creds: w.Bob.Creds, Me: w.Bob.Key, Other: w.Alice.Key, Dir: b.TempDir(), Entry: e}
	run := func(name, sendRole, receiveRole string, chunkSize, window int) {
		b.Run(name, func(b *testing.B) {
			alice, bob := alice, bob
			alice.ChunkSize, bob.ChunkSize, bob.Window = chunkSize, chunkSize, window
			_, sender := child(b, sendRole, alice)
			once, receiver := child(b, receiveRole, bob)
			b.SetBytes(size)
			us, them, me := cpu(sender.Process.Pid), cpu(receiver.Process.Pid), cpu(os.Getpid())
			for b.Loop() {
				if _, n := once(); n != size {
					b.Fatal("received", n)
				}
			}
			per := func(d time.Duration) float64 { return d.Seconds() * 1000 / float64(b.N) / (float64(size) / (1 << 30)) }
			b.ReportMetric(per(cpu(sender.Process.Pid)-us), "sender-ms/GiB")
			b.ReportMetric(per(cpu(receiver.Process.Pid)-them), "receiver-ms/GiB")
			b.ReportMetric(per(cpu(os.Getpid())-me), "server-ms/GiB")
		})
	}
	for _, kib := range []int{128, 256, 512, 960} {
		for _, mib := range []int{1, 2, 4, 8} {
			run(fmt.Sprintf("raw/%dKiB/%dMiB", kib, mib), "raw-send", "raw-receive", kib<<10, mib<<20)
			run(fmt.Sprintf("protocol2/%dKiB/%dMiB", kib, mib), "serve", "receive", kib<<10, mib<<20)
		}
	}
}

func slowRole(context.Context) error { return nil }
