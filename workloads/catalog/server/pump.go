package server

import (
	"context"
	"fmt"
	"sync"
	"time"

	"natster/events"
	"natster/functions/api"
	"natster/internal/supervise"
	"natster/workloads/catalog"
	"natster/workloads/catalog/seal"
)

// perSession is how many workers may be at one session at a time: few, because chunks should arrive nearly in order.
const perSession = 4

// pump sends chunks. Sessions with something to send stand in a ring, and workers take one chunk of the next and put
// the session behind the others of its account: an account that asks for much does not slow down one that asks for
// little. Each worker has one buffer, and that is all the memory that media take.
type pump struct {
	s *Server

	mu      sync.Mutex
	waiting *sync.Cond
	ring    ring
	held    []*session // with something to send, of accounts without credit
	upload  upload
	later   *time.Timer // not nil: it wakes the workers when something may be sent again
	stopped bool
}

func newPump(s *Server, now func() time.Time) *pump {
	p := &pump{s: s, upload: newUpload(s.limits, now)}
	p.waiting = sync.NewCond(&p.mu)
	return p
}

// push puts a session, whose queued is set, at the end of the ring.
func (p *pump) push(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ring.push(s)
	p.waiting.Signal()
}

// stop makes the workers return after the chunk they are at.
func (p *pump) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped, p.ring, p.held = true, ring{}, nil
	if p.later != nil {
		p.later.Stop()
	}
	p.waiting.Broadcast()
}

// next waits for a session with something to send. Where the upload is limited, a whole chunk of it is taken from what
// may be uploaded, and turns stay as they are while nothing may: only the own account goes on.
func (p *pump) next() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.stopped {
		pop, wait := p.ring.pop, p.upload.wait()
		if wait > 0 {
			pop = p.ring.popOwn
		}
		switch s := pop(); {
		case s == nil:
			if wait > 0 && !p.ring.empty() {
				p.wakeIn(wait)
			}
			p.waiting.Wait()
		case s.turn != nil: // of a push, which has its credit
			p.upload.take(s.caller, s.layout.ChunkSize)
			close(s.turn)
		case p.s.credit.take(s.caller, s.layout.ChunkSize) > 0:
			p.held = append(p.held, s)
			p.wakeIn(heldFor)
		default:
			p.upload.take(s.caller, s.layout.ChunkSize)
			return s
		}
	}
	return nil
}

// heldFor is how long a session is held back at most before its account's credit is looked at again.
const heldFor = 100 * time.Millisecond

// wakeIn wakes the workers after a time, or when that is due already. The lock is held.
func (p *pump) wakeIn(wait time.Duration) {
	if p.later != nil {
		return
	}
	p.later = time.AfterFunc(wait, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.later = nil
		p.release()
		p.waiting.Broadcast()
	})
}

// giveBack gives back what was taken for a chunk of s and not sent: its last chunk is shorter.
func (p *pump) giveBack(s *session, unsent int) {
	p.s.credit.giveBack(s.caller, unsent)
	p.mu.Lock()
	defer p.mu.Unlock()
	if unsent > 0 && p.upload.limited(s.caller) {
		p.upload.take(s.caller, -unsent)
		p.waiting.Broadcast()
	}
}

// turn waits until it is the account's turn to be sent n bytes of a push: among its sessions, and those of others.
func (p *pump) turn(ctx context.Context, a events.Account, n int) error {
	if !p.upload.limited(a) {
		return nil
	}
	s := &session{caller: a, layout: seal.Layout{ChunkSize: n}, turn: make(chan struct{})}
	p.push(s)
	select {
	case <-s.turn:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// resume is called when an account has got credit.
func (p *pump) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.held) > 0 {
		p.release()
		p.waiting.Broadcast()
	}
}

// release puts the sessions that were held back into the ring. The lock is held.
func (p *pump) release() {
	for _, s := range p.held {
		p.ring.push(s)
	}
	p.held = nil
}

// requeue decides whether s, which is not in the ring, belongs there.
func (p *pump) requeue(s *session) {
	s.mu.Lock()
	again := !s.queued && s.over == nil && len(s.todo) > 0 && s.running < perSession
	s.queued = s.queued || again
	s.mu.Unlock()
	if again {
		p.push(s)
	}
}

// work sends chunks until the pump stops.
func (p *pump) work() {
	var buf []byte
	for {
		s := p.next()
		if s == nil {
			return
		}
		i, ok := s.take()
		if !ok {
			p.giveBack(s, s.layout.ChunkSize)
			continue
		}
		p.requeue(s) // the next worker may take its next chunk meanwhile
		if n := s.layout.ChunkSize + seal.Overhead; cap(buf) < n {
			buf = make([]byte, n)
		}
		n, err := p.send(s, i, buf[:cap(buf)])
		p.giveBack(s, s.layout.ChunkSize-cost(n))
		if err != nil {
			p.s.endFor(s, err)
		}
		s.done()
		p.requeue(s)
	}
}

// send reads, seals and publishes one chunk. It returns how many bytes of the file were sent, and why the session must
// end, if it must. What is lost otherwise the receiver asks for again.
func (p *pump) send(s *session, i int64, buf []byte) (sent int, err error) {
	defer supervise.Contain(p.s.log, &err)
	if !p.s.nc.IsConnected() {
		return 0, nil // it would only fill the connection's buffer
	}
	n := s.layout.Length(i)
	if err := readChunk(s.file, buf[seal.PrefixSize:seal.PrefixSize+n], s.layout.Offset(i)); err != nil {
		return 0, fileError(s.catalog, s.hash, err)
	}
	frame, err := s.sender.Seal(buf, i)
	if err != nil { // the session has sent all that one key may seal
		return 0, api.Errorf(api.ErrNotFound, "%v", err)
	}
	if !s.sending(seal.CounterOf(frame), cost(n)) {
		return 0, nil
	}
	if err := p.s.nc.Publish(s.subject, frame); err != nil {
		p.s.log.Debug("a chunk was not sent", "session", s.id, "chunk", i, "err", err)
		return 0, nil
	}
	p.s.wasSent(Activity{Caller: s.caller, Catalog: s.catalog, Hash: s.hash}, n)
	return n, nil
}

// wasSent counts n bytes that were sent of what a is about.
func (s *Server) wasSent(a Activity, n int) {
	a.Verb, a.Size = events.VerbFetch, int64(n)
	s.sent.Add(uint64(n))
	s.observe(a)
}

// readChunk fills buf from f, and returns [catalog.ErrChanged] when f is not the file that was listed.
func readChunk(f catalog.File, buf []byte, off int64) error {
	n, err := f.ReadAt(buf, off)
	if changed := f.Check(); changed != nil {
		return changed
	}
	if n < len(buf) {
		return fmt.Errorf("read %d of %d bytes at %d: %w", n, len(buf), off, err)
	}
	return nil
}
