//go:build browser

package e2e

import (
	"bytes"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A tap forwards connections and remembers which of the marks came through it. It sits between the site and the NATS
// server, so that it sees what both of them see.
type tap struct {
	listener net.Listener
	to       string
	rate     atomic.Int64 // bytes per second and connection towards the browser; 0 is no limit

	mu    sync.Mutex
	marks map[string][]byte
	seen  map[string]bool
	bytes int64
	conns map[net.Conn]bool
}

func newTap(t *testing.T, to string) *tap {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &tap{
		listener: l,
		to:       to,
		marks:    make(map[string][]byte),
		seen:     make(map[string]bool),
		conns:    make(map[net.Conn]bool),
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { p.forward(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.mu.Lock()
		for c := range p.conns {
			_ = c.Close()
		}
		p.mu.Unlock()
		running.Wait()
	})
	return p
}

func (p *tap) forward(c net.Conn) {
	to, err := net.Dial("tcp", p.to)
	if err != nil {
		_ = c.Close()
		return
	}
	p.mu.Lock()
	p.conns[c], p.conns[to] = true, true
	p.mu.Unlock()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{c, to}, {to, c}} {
		both.Go(func() {
			_, _ = io.Copy(way[1], io.TeeReader(&paced{way[0], &p.rate}, &watcher{tap: p}))
			_ = way[1].Close()
			_ = way[0].Close()
		})
	}
	both.Wait()
	p.mu.Lock()
	delete(p.conns, c)
	delete(p.conns, to)
	p.mu.Unlock()
}

// mark asks to notice content under name.
func (p *tap) mark(name string, content []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.marks[name] = content
}

// A watcher looks at one direction of a connection; it keeps enough to find marks that are cut in two.
type watcher struct {
	tap  *tap
	tail []byte
}

const longestMark = 256

func (w *watcher) Write(b []byte) (int, error) {
	w.tap.mu.Lock()
	defer w.tap.mu.Unlock()
	w.tap.bytes += int64(len(b))
	if len(w.tap.marks) == 0 {
		return len(b), nil
	}
	text := append(w.tail, b...)
	for name, m := range w.tap.marks {
		if bytes.Contains(text, m) {
			w.tap.seen[name] = true
		}
	}
	w.tail = append([]byte(nil), text[max(0, len(text)-longestMark):]...)
	return len(b), nil
}

// paced reads no faster than a rate, as a slow line does.
type paced struct {
	from io.Reader
	rate *atomic.Int64
}

func (p *paced) Read(b []byte) (int, error) {
	rate := p.rate.Load()
	if rate > 0 {
		b = b[:min(int64(len(b)), rate/20)]
	}
	n, err := p.from.Read(b)
	if rate > 0 {
		time.Sleep(time.Duration(n) * time.Second / time.Duration(rate))
	}
	return n, err
}
