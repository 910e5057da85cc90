//go:build unix

package client_test

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"natster/events"
	"natster/internal/test/catalogtest"
	"natster/workloads/catalog"
	"natster/workloads/catalog/seal"
)

func (always) Observe(uint64) {}

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

// pair starts a sender and a receiver, and returns a function that lets the file go over once and tells how long that
// took and how much CPU time all three processes used.
func (x *bench) pair(
	b *testing.B, sendRole, receiveRole string, chunkSize, window int,
) func() (wall, used time.Duration) {
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
	layout := seal.Layout{Size: int64(chunkSize), ChunkSize: chunkSize}
	h := seal.NewHeader(seal.Binding{Session: seal.NewSession(), Layout: layout})
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
