package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

// unread measures by how much the memory of `natster devrun` grows at most while one account has as many connections
// as it gets, up to 40, that subscribe to what it publishes and never read.
func unread(ctx context.Context, l *lab) (_ []Result, err error) {
	const wanted = 40
	w, err := devrun(ctx, l, "unread")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.stop()) }()
	mallory, err := w.person(ctx, "mallory")
	if err != nil {
		return nil, err
	}
	defer mallory.nc.Close()
	before, err := w.resident(ctx)
	if err != nil {
		return nil, err
	}
	deaf := 0
	for range wanted {
		var stopped atomic.Bool
		nc, err := w.info.Connect(ctx, mallory.creds, nats.SetCustomDialer(deafDialer{&stopped}), nats.NoReconnect(),
			nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
		if err != nil {
			break // it has as many as it may
		}
		defer nc.Close()
		if _, err = nc.Subscribe(unreadSubject, func(*nats.Msg) {}); err == nil {
			err = nc.Flush()
		}
		if err != nil {
			return nil, err
		}
		stopped.Store(true)
		deaf++
	}
	duration := 10 * time.Second
	if l.quick {
		duration = 3 * time.Second
	}
	most, sent := before, 0
	body := make([]byte, 64<<10)
	for end := time.Now().Add(duration); time.Now().Before(end); sent++ {
		if err := mallory.nc.Publish(unreadSubject, body); err != nil {
			return nil, err
		}
		if sent%100 == 0 {
			if err := mallory.nc.FlushTimeout(time.Minute); err != nil {
				return nil, err
			}
			now, err := w.resident(ctx)
			if err != nil {
				return nil, err
			}
			most = max(most, now)
		}
	}
	more := float64(most-before) / 1e6
	return []Result{{
		Measure: fmt.Sprintf("server memory, MB more, with %d connections of one account that never read (%d tried)",
			deaf, wanted),
		Got: fmt.Sprintf("%.0f MB", float64(most)/1e6), Floor: fmt.Sprintf("%.0f MB", float64(before)/1e6),
		Ratio: more, Target: 400, AtMost: true,
	}}, nil
}

const unreadSubject = "unread"

// resident is the memory of the world's process that is in use, in bytes, as ps tells it.
func (c *child) resident(ctx context.Context) (int64, error) {
	out, err := exec.CommandContext(ctx, "ps", "-o", "rss=", "-p", strconv.Itoa(c.cmd.Process.Pid)).Output()
	if err != nil {
		return 0, err
	}
	kib, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	return kib << 10, err
}

// A deafDialer makes connections that read nothing more once stopped is set.
type deafDialer struct{ stopped *atomic.Bool }

func (d deafDialer) Dial(network, address string) (net.Conn, error) {
	c, err := net.Dial(network, address)
	return &deafConn{Conn: c, stopped: d.stopped, closed: make(chan struct{})}, err
}

type deafConn struct {
	net.Conn
	stopped *atomic.Bool
	closed  chan struct{}
	once    sync.Once
}

func (c *deafConn) Read(p []byte) (int, error) {
	if c.stopped.Load() {
		<-c.closed
		return 0, net.ErrClosed
	}
	return c.Conn.Read(p)
}

func (c *deafConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
