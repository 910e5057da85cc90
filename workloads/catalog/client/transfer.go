package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"natster/functions/api"
	"natster/workloads/catalog"
	"natster/workloads/catalog/seal"
)

// errLayout ends a transfer whose server cuts the file differently after it was restarted: the reader starts another.
var errLayout = errors.New("the server changed the chunk size")

// transfer brings chunks of one file. Readers say which they want and wait; it keeps a window of them in flight, asks again
// for those that are lost, and opens another session when the server forgot the one it had. It is safe for concurrent use.
type transfer struct {
	c   *Client
	src source

	timeout time.Duration // without progress
	cancel  context.CancelFunc
	done    chan struct{}
	wake    chan struct{} // capacity 1

	mu      sync.Mutex
	session *session // nil: must be opened before anything can be asked
	layout  seal.Layout
	window  window
	queue   []*slot         // wanted and not in flight, in order
	flight  map[int64]*slot // asked for
	asked   uint64          // counts what was asked, in order
	newest  uint64          // of those, the last that came
	arrival time.Time       // of the last chunk
	moved   time.Time       // last progress, or last moment without anything wanted
	holdoff time.Time       // do not ask before
	backoff time.Duration
	barren  int   // sessions lost since the last chunk came
	err     error // final
}

// slot is one wanted chunk.
type slot struct {
	index int64
	ready chan struct{} // closed when data or err is set
	data  []byte
	err   error

	first time.Time // asked
	at    time.Time // the last time
	seq   uint64
	tries int // how often asked
}

// openTransfer opens a session and starts to bring what is wanted. ctx bounds the opening only. A server of protocol 1 is
// pushing when it returns pushed instead.
func (c *Client) openTransfer(ctx context.Context, src source, chunkSize, bytes int) (*transfer, *pushed, error) {
	s, p, err := c.openSession(ctx, src, chunkSize)
	if err != nil || p != nil {
		return nil, p, err
	}
	now := time.Now()
	t := &transfer{
		c: c, src: src, timeout: c.Timeout, layout: s.layout, window: newWindow(s.layout.ChunkSize, bytes),
		done: make(chan struct{}), wake: make(chan struct{}, 1), flight: make(map[int64]*slot), arrival: now, moved: now,
	}
	t.src.origin.Owner = s.owner // a session opened later must be the same owner's
	run, cancel := context.WithCancel(context.Background())
	t.cancel = cancel
	if err := t.adopt(s); err != nil {
		cancel()
		s.leave(c, src, true)
		return nil, nil, err
	}
	go t.run(run)
	return t, nil, nil
}

// close ends the transfer; what is still wanted fails with [ErrClosed]. It returns when nothing of it runs.
func (t *transfer) close() {
	t.fail(ErrClosed)
	t.cancel()
	<-t.done
}

// adopt makes s the session.
func (t *transfer) adopt(s *session) error {
	pending := 2*t.window.most*(s.layout.ChunkSize+seal.Overhead) + 1<<20
	err := s.listen(t.c, t.src, pending,
		func(m *nats.Msg) { t.receive(s, m.Data) },
		func(m *nats.Msg) { t.answer(s, m) })
	if err != nil {
		return err
	}
	t.mu.Lock()
	t.session = s
	t.mu.Unlock()
	return nil
}

// want asks for chunk i, before all others when it is urgent. Chunks should not be wanted twice at a time.
func (t *transfer) want(i int64, urgent bool) *slot {
	x := &slot{index: i, ready: make(chan struct{})}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		x.err = t.err
		close(x.ready)
		return x
	}
	if len(t.queue)+len(t.flight) == 0 {
		t.moved = time.Now() // the timeout begins
	}
	if urgent {
		t.queue = slices.Insert(t.queue, 0, x)
	} else {
		t.queue = append(t.queue, x)
	}
	t.ask()
	return x
}

// forget takes slots back that are not in flight yet.
func (t *transfer) forget(unwanted func(*slot) bool) (forgotten []*slot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queue = slices.DeleteFunc(t.queue, func(x *slot) bool {
		if x.tries > 0 || !unwanted(x) {
			return false
		}
		forgotten = append(forgotten, x)
		return true
	})
	return forgotten
}

// ahead is how many chunks a reader may want beyond the one it waits for.
func (t *transfer) ahead() int64 { return int64(t.window.most) }

// ask sends as much of the queue as the window has room for, when that is worth a request. The lock is held.
func (t *transfer) ask() {
	room := t.window.size - len(t.flight)
	n := min(room, len(t.queue), catalog.MaxFetchRanges)
	now := time.Now()
	switch {
	case n <= 0 || t.err != nil:
		return
	case t.session == nil:
		t.stir()
		return
	case len(t.flight) > 0 && n < t.window.batch():
		return
	case now.Before(t.holdoff) || !t.c.Conn.IsConnected():
		return // run knows when
	}
	if len(t.flight) == 0 {
		t.stir() // run has no deadline to watch yet
	}
	var chunks [][2]int64
	for _, x := range t.queue[:n] {
		x.at, x.seq = now, t.asked
		if x.tries++; x.tries == 1 {
			x.first = now
		}
		t.asked++
		t.flight[x.index] = x
		if k := len(chunks) - 1; k >= 0 && chunks[k][0]+chunks[k][1] == x.index {
			chunks[k][1]++
		} else {
			chunks = append(chunks, [2]int64{x.index, 1})
		}
	}
	t.queue = slices.Delete(t.queue, 0, n)
	if err := t.session.fetch(t.c, t.src, chunks); err != nil {
		t.c.Logger.Debug("a fetch was not sent", "catalog", t.src.catalog, "err", err) // it counts as lost in time
	}
}

// stir wakes run.
func (t *transfer) stir() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

func (t *transfer) receive(s *session, b []byte) {
	if t.c.seams.wire == nil {
		t.frame(s, b)
		return
	}
	for _, b := range t.c.seams.wire(b) {
		t.frame(s, b)
	}
}

// frame takes in a frame of s. What does not open is dropped: anybody in the owner's account can send garbage.
func (t *transfer) frame(s *session, b []byte) {
	f, err := s.receiver.Open(b)
	if err != nil {
		t.c.Logger.Debug("a frame was dropped", "catalog", t.src.catalog, "err", err)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.session != s {
		return
	}
	if f.Kind == seal.KindEnd {
		t.refused(&api.Error{Code: api.Code(f.End.Code), Message: f.End.Error})
		return
	}
	x := t.flight[f.Index]
	if x == nil {
		return // a duplicate, or nothing we asked for
	}
	delete(t.flight, f.Index)
	now := time.Now()
	t.arrival, t.moved, t.backoff, t.barren = now, now, 0, 0
	t.window.arrived(now.Sub(x.first), x.tries)
	if x.tries == 1 { // the place of what was asked for again tells nothing
		t.newest = max(t.newest, x.seq)
	}
	x.data = f.Plain
	close(x.ready)
	var missed []*slot
	for _, y := range t.flight {
		if overtaken(y.seq, t.newest) {
			missed = append(missed, y)
		}
	}
	if len(missed) > 0 {
		t.window.lost(now)
		t.again(missed)
	}
	t.ask()
}

// again puts slots in flight back to the front of the queue, in order.
func (t *transfer) again(slots []*slot) {
	if len(slots) == 0 {
		return
	}
	slices.SortFunc(slots, func(a, b *slot) int { return int(a.index - b.index) })
	for _, x := range slots {
		delete(t.flight, x.index)
	}
	t.queue = slices.Insert(t.queue, 0, slots...)
}

// recall puts everything in flight back to the front of the queue, as if it had never been asked for: no answer will come.
func (t *transfer) recall() {
	all := make([]*slot, 0, len(t.flight))
	for _, x := range t.flight {
		x.tries = 0
		all = append(all, x)
	}
	t.again(all)
}

// answer takes in the answer to a fetch.
func (t *transfer) answer(s *session, m *nats.Msg) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.session != s {
		return
	}
	if len(m.Data) == 0 && m.Header.Get("Status") == "503" {
		if s.instance != "" { // its server is gone; another may be there
			s.leave(t.c, t.src, false)
			t.session = nil
		}
		t.backOff()
		return
	}
	if _, err := api.DecodeReply(m.Data); err != nil {
		t.refused(err)
	}
}

// refused takes in why the server does not send. The lock is held.
func (t *transfer) refused(err error) {
	var e *api.Error
	if !errors.As(err, &e) {
		return
	}
	switch e.Code {
	case api.CodeNotFound: // it does not know the session: another server, or ours expired
		t.session.leave(t.c, t.src, false)
		t.session = nil
		if t.barren++; t.barren > 1 { // the last one brought nothing either
			t.backOff()
			return
		}
		t.recall()
		t.stir()
	case api.CodeTooMany: // its queue is full of what we asked for
		t.window.lost(time.Now())
	case api.CodeUnavailable:
		t.backOff()
	default:
		t.finish(fmt.Errorf("%s: %w", t.src.catalog, refusal(err)))
	}
}

// backOff puts off asking for a moment that doubles each time in a row. The lock is held.
func (t *transfer) backOff() {
	t.recall()
	t.backoff = min(max(2*t.backoff, 20*time.Millisecond), time.Second)
	t.holdoff = time.Now().Add(t.backoff)
	t.stir()
}

func (t *transfer) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.finish(err)
}

// finish ends the transfer with err; everything wanted fails. The lock is held.
func (t *transfer) finish(err error) {
	if t.err != nil {
		return
	}
	t.err = err
	t.recall()
	for _, x := range t.queue {
		x.err = err
		close(x.ready)
	}
	t.queue = nil
	t.stir()
}

// quiet is for how long nothing has come that is wanted.
func (t *transfer) quiet() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Since(t.moved)
}

// failure is the error that ended the transfer, or nil.
func (t *transfer) failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}
