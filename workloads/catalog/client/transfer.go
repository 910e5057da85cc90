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

// errLayout ends a transfer whose server, since a restart, cuts the file into other chunks. The reader starts another.
var errLayout = errors.New("the server changed the chunk size")

// A transfer fetches chunks of one file. Readers want chunks and wait for them. The transfer keeps a window of them in
// flight, asks again for those that are lost, and opens another session if the server does not know the present one. It
// is safe for concurrent use.
type transfer struct {
	c   *Client
	src source // with the owner that the first session proved: that of a later one must be the same

	timeout time.Duration // without progress
	cancel  context.CancelFunc
	done    chan struct{}
	wake    chan struct{} // capacity 1

	mu      sync.Mutex
	session *session // nil: one must be opened before anything can be asked for
	layout  seal.Layout
	window  window
	queue   []*slot         // wanted and not in flight, in order
	flight  map[int64]*slot // asked for
	asked   uint64          // chunks asked for, ever
	newest  uint64          // the highest number of a chunk that arrived, in the order of asking
	arrival time.Time       // of the last chunk
	moved   time.Time       // last progress, or last moment at which nothing was wanted
	holdoff time.Time       // nothing is asked for before
	backoff time.Duration
	barren  int   // sessions lost since the last chunk arrived
	err     error // final
}

// A slot is a wanted chunk.
type slot struct {
	index int64
	ready chan struct{} // closed when data or err is set
	data  []byte
	err   error

	first time.Time // asked for
	at    time.Time // asked for last
	seq   uint64    // its number in the order of asking
	tries int       // how often it was asked for
}

// startTransfer starts a transfer over s, with at most bytes in flight.
func startTransfer(s *session, timeout time.Duration, bytes int) (*transfer, error) {
	now := time.Now()
	ctx, cancel := context.WithCancel(context.Background())
	t := &transfer{
		c: s.c, src: s.src, timeout: timeout, cancel: cancel, done: make(chan struct{}), wake: make(chan struct{}, 1),
		layout: s.layout, window: newWindow(s.layout.ChunkSize, bytes), flight: make(map[int64]*slot),
		arrival: now, moved: now,
	}
	if err := t.adopt(s); err != nil {
		cancel()
		return nil, err
	}
	go t.run(ctx)
	return t, nil
}

// close ends the transfer; what is still wanted fails with [ErrClosed]. It returns when nothing of the transfer runs.
func (t *transfer) close() {
	t.fail(ErrClosed)
	t.cancel()
	<-t.done
}

// adopt makes s the session, or leaves s.
func (t *transfer) adopt(s *session) error {
	frame := func(m *nats.Msg) { t.frame(s, m.Data) }
	if wire := t.c.seams.wire; wire != nil {
		frame = func(m *nats.Msg) {
			for _, b := range wire(m.Data) {
				t.frame(s, b)
			}
		}
	}
	pending := 2*t.window.most*(s.layout.ChunkSize+seal.Overhead) + 1<<20
	if err := s.listen(pending, frame, func(m *nats.Msg) { t.answer(s, m) }); err != nil {
		s.leave(true)
		return err
	}
	t.mu.Lock()
	t.session = s
	t.mu.Unlock()
	return nil
}

// want asks for chunk i, before all others if it is urgent. A chunk should not be wanted twice at a time.
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

// forget removes unwanted slots that were not asked for yet from the queue, and returns them.
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

// ahead returns how many chunks a reader may want beyond the one it waits for.
func (t *transfer) ahead() int64 { return int64(t.window.most) }

// ask asks for as much of the queue as the window has room for, if that is worth a request. The lock is held.
func (t *transfer) ask() {
	room := t.window.size - len(t.flight)
	n := min(room, len(t.queue), catalog.MaxFetchRanges)
	now := time.Now()
	switch {
	case n <= 0 || t.err != nil:
		return
	case t.session == nil:
		t.signal()
		return
	case len(t.flight) > 0 && n < t.window.batch():
		return
	case now.Before(t.holdoff) || !t.c.Conn.IsConnected():
		return // run asks when it is time
	}
	if len(t.flight) == 0 {
		t.signal() // run has no deadline yet
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
	if err := t.session.fetch(chunks); err != nil { // the chunks count as lost after their timeout
		t.c.Logger.Debug("a fetch was not sent", "catalog", t.src.catalog, "err", err)
	}
}

// signal wakes run.
func (t *transfer) signal() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// frame handles a frame of s. One that does not open is dropped: everyone in the owner's account can send garbage.
func (t *transfer) frame(s *session, b []byte) {
	f, err := s.receiver.Open(b)
	if err != nil {
		t.c.Logger.Debug("a frame was dropped", "catalog", t.src.catalog, "err", err)
		return
	}
	if f.Kind != seal.KindEnd {
		s.arrived(f.Counter)
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
		return // a duplicate, or never asked for
	}
	delete(t.flight, f.Index)
	now := time.Now()
	t.arrival, t.moved, t.backoff, t.barren = now, now, 0, 0
	t.window.arrived(now.Sub(x.first), x.tries)
	if x.tries == 1 { // of several requests, it is not known which one this answers
		t.newest = max(t.newest, x.seq)
	}
	x.data = f.Plain
	close(x.ready)
	t.retry(now, func(y *slot) bool { return overtaken(y.seq, t.newest) })
	t.ask()
	if len(t.flight)+len(t.queue) == 0 {
		if err := s.settle(); err != nil {
			t.c.Logger.Debug("what arrived was not told", "catalog", t.src.catalog, "err", err)
		}
	}
}

// retry puts the chunks in flight that are lost back to the front of the queue. The lock is held.
func (t *transfer) retry(now time.Time, lost func(*slot) bool) {
	var all []*slot
	for _, x := range t.flight {
		if lost(x) {
			all = append(all, x)
		}
	}
	if len(all) > 0 {
		t.window.lost(now)
		t.again(all)
	}
}

// again puts slots in flight back to the front of the queue, in order. The lock is held.
func (t *transfer) again(slots []*slot) {
	slices.SortFunc(slots, func(a, b *slot) int { return int(a.index - b.index) })
	for _, x := range slots {
		delete(t.flight, x.index)
	}
	t.queue = slices.Insert(t.queue, 0, slots...)
}

// recall puts everything in flight back to the front of the queue, as if it had never been asked for: no answer will
// come. The lock is held.
func (t *transfer) recall() {
	all := make([]*slot, 0, len(t.flight))
	for _, x := range t.flight {
		x.tries = 0
		all = append(all, x)
	}
	t.again(all)
}

// answer handles the answer to a fetch.
func (t *transfer) answer(s *session, m *nats.Msg) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.session != s {
		return
	}
	if len(m.Data) == 0 && m.Header.Get("Status") == "503" {
		if s.instance != "" { // the server is gone; there may be another
			s.leave(false)
			t.session = nil
		}
		t.backOff()
		return
	}
	if _, err := api.DecodeReply(m.Data); err != nil {
		t.refused(err)
	}
}

// refused handles the server's reason for sending nothing. The lock is held.
func (t *transfer) refused(err error) {
	e, ok := errors.AsType[*api.Error](err)
	if !ok {
		return
	}
	switch e.Code {
	case api.CodeNotFound: // the session is not known: it expired, or this is another server
		t.session.leave(false)
		t.session = nil
		if t.barren++; t.barren > 1 { // the last session brought nothing either
			t.backOff()
			return
		}
		t.recall()
		t.signal()
	case api.CodeTooMany: // the server's queue is full of what was asked for
		t.window.lost(time.Now())
	case api.CodeUnavailable:
		t.backOff()
	default:
		t.finish(fmt.Errorf("%s: %w", t.src.catalog, refusal(err)))
	}
}

// backOff delays asking, for longer each time in a row. The lock is held.
func (t *transfer) backOff() {
	t.recall()
	t.backoff = min(max(2*t.backoff, 20*time.Millisecond), time.Second)
	t.holdoff = time.Now().Add(t.backoff)
	t.signal()
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
	t.signal()
}

// quiet returns how long nothing that is wanted has arrived.
func (t *transfer) quiet() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Since(t.moved)
}

// failure returns the error that ended the transfer, or nil.
func (t *transfer) failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}
