package server

import (
	"fmt"
	"sync"

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
	held    []*session // with something to send, of accounts that owe too much
	stopped bool
}

func newPump(s *Server) *pump {
	p := &pump{s: s}
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
	p.waiting.Broadcast()
}

// next waits for a session with something to send.
func (p *pump) next() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.stopped {
		switch s := p.ring.pop(); {
		case s == nil:
			p.waiting.Wait()
		case p.s.debts.mayHave(s.caller):
			return s
		default:
			p.held = append(p.held, s)
		}
	}
	return nil
}

// resume puts the sessions that were held back into the ring: their accounts may owe less by now.
func (p *pump) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.held) == 0 {
		return
	}
	for _, s := range p.held {
		p.ring.push(s)
	}
	p.held = nil
	p.waiting.Broadcast()
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
			continue
		}
		p.requeue(s) // the next worker may take its next chunk meanwhile
		if n := s.layout.ChunkSize + seal.Overhead; cap(buf) < n {
			buf = make([]byte, n)
		}
		if err := p.send(s, i, buf[:cap(buf)]); err != nil {
			p.s.endFor(s, err)
		}
		s.done()
		p.requeue(s)
	}
}

// send reads, seals and publishes one chunk. It returns why the session must end, if it must. What is lost otherwise
// the receiver asks for again.
func (p *pump) send(s *session, i int64, buf []byte) (err error) {
	defer supervise.Contain(p.s.log, &err)
	if !p.s.nc.IsConnected() {
		return nil // it would only fill the connection's buffer
	}
	n := s.layout.Length(i)
	if err := readChunk(s.file, buf[seal.PrefixSize:seal.PrefixSize+n], s.layout.Offset(i)); err != nil {
		return fileError(s.catalog, s.hash, err)
	}
	frame, err := s.sender.Seal(buf, i)
	if err != nil { // the session has sent all that one key may seal
		return api.Errorf(api.ErrNotFound, "%v", err)
	}
	if !s.sending(seal.CounterOf(frame), n) {
		return nil
	}
	p.s.debts.sent(s.caller, n)
	if err := p.s.nc.Publish(s.subject, frame); err != nil {
		p.s.log.Debug("a chunk was not sent", "session", s.id, "chunk", i, "err", err)
		return nil
	}
	p.s.wasSent(Activity{Caller: s.caller, Catalog: s.catalog, Hash: s.hash}, n)
	return nil
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
