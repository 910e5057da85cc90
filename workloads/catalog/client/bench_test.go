package client_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
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
	"natster/workloads/catalog"
	"natster/workloads/catalog/client"
	"natster/workloads/catalog/internal/catalogtest"
	"natster/workloads/catalog/library"
	"natster/workloads/catalog/seal"
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

// bench is a world with a file of benchSize bytes that alice has.
type bench struct {
	*catalogtest.World
	size       int64
	file       string
	alice, bob setting
}

func newBench(b *testing.B) *bench {
	x := &bench{World: catalogtest.Start(b), size: benchSize()}
	dir := b.TempDir()
	x.file = filepath.Join(dir, "film.mp4")
	file, err := os.Create(x.file)
	if err != nil {
		b.Fatal(err)
	}
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(file, h), io.LimitReader(rand.Reader, x.size)); err != nil {
		b.Fatal(err)
	}
	if err := file.Close(); err != nil {
		b.Fatal(err)
	}
	e := catalog.Entry{Path: "film.mp4", Size: x.size, Hash: events.Hash(h.Sum(nil))}
	x.alice = setting{Info: x.Info(), Creds: x.Alice.Creds, Me: x.Alice.Key, Other: x.Bob.Key, Dir: dir, Entry: e}
	x.bob = setting{Info: x.Info(), Creds: x.Bob.Creds, Me: x.Bob.Key, Other: x.Alice.Key, Dir: b.TempDir(), Entry: e}
	return x
}

// pair starts a sender and a receiver, and returns a function that lets the file go over once and tells how long that took
// and how much CPU time all three processes used.
func (x *bench) pair(b *testing.B, sendRole, receiveRole string, chunkSize, window int) func() (wall, used time.Duration) {
	alice, bob := x.alice, x.bob
	alice.ChunkSize, bob.ChunkSize, bob.Window = chunkSize, chunkSize, window
	bob.Protocol1 = receiveRole == "receive1"
	if bob.Protocol1 {
		receiveRole = "receive"
	}
	_, sender := child(b, sendRole, alice)
	once, receiver := child(b, receiveRole, bob)
	all := func() time.Duration { return cpu(sender.Process.Pid) + cpu(receiver.Process.Pid) + cpu(os.Getpid()) }
	return func() (time.Duration, time.Duration) {
		before := all()
		wall, n := once()
		if n != x.size {
			b.Fatal("received", n)
		}
		return wall, all() - before
	}
}

// BenchmarkChunkAndWindow finds the best of both.
func BenchmarkChunkAndWindow(b *testing.B) {
	x := newBench(b)
	for _, kib := range []int{128, 256, 512, 960} {
		for _, mib := range []int{1, 2, 4, 8, 16} {
			for _, kind := range [][2]string{{"raw-send", "raw-receive"}, {"serve", "receive"}} {
				b.Run(fmt.Sprintf("%s/%dKiB/%dMiB", kind[1], kib, mib), func(b *testing.B) {
					once := x.pair(b, kind[0], kind[1], kib<<10, mib<<20)
					var used time.Duration
					b.SetBytes(x.size)
					for b.Loop() {
						_, u := once()
						used += u
					}
					b.ReportMetric(used.Seconds()/float64(b.N)/(float64(x.size)/(1<<30)), "cpu-s/GiB")
				})
			}
		}
	}
}

// BenchmarkAgainstTheLimit compares a download with what the cores could do at best: raw NATS over the same subjects,
// sealing, opening, hashing, reading and writing, each measured alone in the same run; and with protocol 1.
func BenchmarkAgainstTheLimit(b *testing.B) {
	const chunkSize, window = 256 << 10, 8 << 20
	x := newBench(b)
	raw := x.pair(b, "raw-send", "raw-receive", chunkSize, window)
	rawBest, rawWall := time.Duration(1<<62), time.Duration(1<<62)
	two, twoUsed := time.Duration(1<<62), time.Duration(1<<62)
	parts := make(map[string]time.Duration)
	p2 := x.pair(b, "serve", "receive", chunkSize, window)
	for b.Loop() {
		wall, used := raw()
		rawBest, rawWall = min(rawBest, used), min(rawWall, wall)
		x.parts(b, chunkSize, parts)
		wall, used = p2()
		two, twoUsed = min(two, wall), min(twoUsed, used)
	}
	limit := rawBest
	for _, d := range parts {
		limit += d
	}
	limit /= time.Duration(runtime.GOMAXPROCS(0))
	rate := func(d time.Duration) float64 { return float64(x.size) / 1e6 / d.Seconds() }
	b.Logf("raw %v of CPU, %v", rawBest, parts)
	b.ReportMetric(rate(rawWall), "raw-MB/s")
	b.ReportMetric(rate(two), "protocol2-MB/s")
	b.ReportMetric(rate(limit), "limit-MB/s")
	b.ReportMetric(limit.Seconds()/two.Seconds(), "of-limit")
	b.ReportMetric(rawWall.Seconds()/two.Seconds(), "of-raw")
	b.ReportMetric(2*limit.Seconds()/twoUsed.Seconds(), "cpu-of-limit")
	b.ReportMetric(0, "ns/op")
}

// parts measures the CPU time of each part alone, the best of several.
func (x *bench) parts(b *testing.B, chunkSize int, best map[string]time.Duration) {
	used := func() time.Duration {
		var r syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
			b.Fatal(err)
		}
		return time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	chunks := int(x.size) / chunkSize
	buf := make([]byte, chunkSize+seal.Overhead)
	h := seal.NewHeader(seal.Binding{Session: seal.NewSession(), Layout: seal.Layout{Size: int64(chunkSize), ChunkSize: chunkSize}})
	sender, err := seal.NewSender(h)
	if err != nil {
		b.Fatal(err)
	}
	receiver, err := seal.NewReceiver(h)
	if err != nil {
		b.Fatal(err)
	}
	measure := func(name string, each func(i int)) {
		began := used()
		for i := range chunks {
			each(i)
		}
		if d := used() - began; best[name] == 0 || d < best[name] {
			best[name] = d
		}
	}
	measure("seal and open", func(int) {
		frame, err := sender.Seal(buf, 0)
		if err == nil {
			_, err = receiver.Open(frame)
		}
		if err != nil {
			b.Fatal(err)
		}
	})
	sum := sha256.New()
	measure("hash", func(int) { sum.Write(buf[:chunkSize]) })
	in, err := os.Open(x.file)
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	measure("read", func(i int) {
		if _, err := in.ReadAt(buf[:chunkSize], int64(i)*int64(chunkSize)); err != nil {
			b.Fatal(err)
		}
	})
	name := filepath.Join(x.bob.Dir, "written")
	out, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	defer os.Remove(name)
	defer out.Close()
	measure("write", func(i int) {
		if _, err := out.WriteAt(buf[:chunkSize], int64(i)*int64(chunkSize)); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkProtocol1 is what protocol 2 is compared with.
func BenchmarkProtocol1(b *testing.B) {
	x := newBench(b)
	once := x.pair(b, "serve", "receive1", 256<<10, 8<<20)
	b.SetBytes(x.size)
	for b.Loop() {
		once()
	}
}

// slowRole is a hundred receivers, each with a link of its own of 100 KB/s, who download until they are killed. It reports
// every second how many bytes have come to all of them, and how often a connection was lost.
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
			c := client.NewWith(client.Config{Conn: nc, Account: set.Me})
			var last int64
			_, err = c.Download(ctx, catalogtest.Films, []catalog.Entry{set.Entry}, filepath.Join(set.Dir, strconv.Itoa(i)), client.Options{
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

func (slowLink) Dial(network, address string) (net.Conn, error) {
	c, err := net.Dial(network, address)
	if err != nil {
		return nil, err
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(32 << 10)
	}
	return &slowConn{Conn: c}, nil
}

type slowConn struct{ net.Conn }

func (c *slowConn) Read(b []byte) (int, error) {
	const rate, step = 100_000, 10_000
	n, err := c.Conn.Read(b[:min(len(b), step)])
	time.Sleep(time.Duration(n) * time.Second / rate)
	return n, err
}

// resident is the resident memory of a process in bytes, at its highest.
func resident(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	return kb << 10
}

// BenchmarkSlowReceivers measures what a hundred receivers at 100 KB/s each cost, and what they leave to a fast one.
func BenchmarkSlowReceivers(b *testing.B) {
	x := newBench(b)
	_, sender := child(b, "serve", x.alice)
	fast, _ := child(b, "receive", x.bob)
	alone := time.Duration(1 << 62)
	for range 3 {
		wall, _ := fast()
		alone = min(alone, wall)
	}
	slowly := x.bob
	slowly.Dir = b.TempDir()
	slow, _ := child(b, "slow", slowly)
	for got := int64(0); got < 100<<20; { // until they are all at it
		<-time.After(time.Second)
		_, got = slow()
	}
	among := time.Duration(1 << 62)
	_, before := slow()
	began := time.Now()
	for b.Loop() {
		wall, _ := fast()
		among = min(among, wall)
	}
	lost, after := slow()
	b.ReportMetric(float64(resident(sender.Process.Pid))/1e6, "MB-resident")
	b.ReportMetric(float64(lost), "connections-lost")
	b.ReportMetric(float64(after-before)/1e3/time.Since(began).Seconds()/100, "KB/s-each-slow")
	b.ReportMetric(alone.Seconds()/among.Seconds(), "of-fast-alone")
	b.ReportMetric(0, "ns/op")
}
