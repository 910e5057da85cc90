package server

import (
	"context"
	"sync"
	"time"

	"natster/events"
	"natster/functions/api"
	"natster/internal/limiter"
	"natster/workloads/catalog"
	"natster/workloads/catalog/seal"
)

// Codes with which sessions end, beside those of errors: the codes of the reply that the next fetch would get.
const (
	codeStopped = int(api.CodeNotFound) // the receiver may open another session
	codeChanged = int(api.CodeGone)
)

// A session is one receiver's reading of one file. Only numbers of chunks are queued in it.
type session struct {
	id      string
	caller  events.Account // zero: the own account
	catalog events.Catalog
	hash    events.Hash
	subject string // of its frames
	layout  seal.Layout
	file    catalog.File
	sender  *seal.Sender

	mu       sync.Mutex
	turn     chan struct{} // not nil: this is the turn of a push, and nothing else of a session; closed when it comes
	todo     []span        // asked for and not yet taken by a worker, in order
	pending  int           // chunks in todo
	running  int           // workers at it
	queued   bool          // in the pump's ring
	lastUsed time.Time
	over     *seal.End // nil while it is open
	unproved unproved
}

// span is count chunks from first on.
type span struct{ first, count int64 }

func (s *session) edge() edge { return edge{s.catalog, s.caller} }

// idle returns when s was last used, and whether it is open and has nothing to do.
func (s *session) idle() (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastUsed, s.over == nil && s.running == 0 && s.pending == 0
}

// take returns the next chunk to send, for a worker that took s out of the ring.
func (s *session) take() (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queued = false
	if s.over != nil || len(s.todo) == 0 {
		return 0, false
	}
	i := s.todo[0].first
	s.todo[0].first++
	if s.todo[0].count--; s.todo[0].count == 0 {
		s.todo = s.todo[1:]
	}
	s.pending--
	s.running++
	return i, true
}

// done ends what take began.
func (s *session) done() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	s.lastUsed = time.Now()
	s.release()
}

// prove notes proofs of the receiver, and returns how many bytes they are about.
func (s *session) prove(got catalog.Proofs) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unproved.got(got)
}

// sending notes a frame that costs n bytes and is about to be sent; it reports whether it may be.
func (s *session) sending(counter uint64, n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over == nil {
		s.unproved.sent(counter, n)
	}
	return s.over == nil
}

// isOver reports whether nothing may be sent any more.
func (s *session) isOver() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over != nil
}

// end closes the session for the reason given; it reports whether it was open. The file is closed when the last worker
// has left it.
func (s *session) end(why seal.End) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over != nil {
		return false
	}
	s.over, s.todo, s.pending = &why, nil, 0
	s.release()
	return true
}

func (s *session) release() {
	if s.over != nil && s.running == 0 && s.file != nil {
		_ = s.file.Close() // it was only read
		s.file = nil
	}
}

// sessions is the table of them. One that ended because its file changed stays until it would have expired, so that the
// receiver's next fetch learns it.
type sessions struct {
	limits Limits
	open   *limiter.Limiter[events.Account] // those that are not over, or are being opened

	mu   sync.Mutex
	byID map[string]*session
}

func newSessions(l Limits) *sessions {
	open := limiter.New[events.Account](l.Sessions, l.CallerSessions)
	return &sessions{limits: l, open: open, byID: make(map[string]*session)}
}

// idlest returns the session that has had nothing to do for the longest, for at least Limits.Rest: of the caller, if it
// has as many as it may, otherwise of the account that has most. Nil if all are at work.
func (t *sessions) idlest(caller events.Account) (least *session) {
	of := caller
	_, most := t.open.InFlight(caller)
	t.mu.Lock()
	defer t.mu.Unlock()
	if most < t.limits.CallerSessions {
		for _, x := range t.byID {
			if _, n := t.open.InFlight(x.caller); n > most {
				of, most = x.caller, n
			}
		}
	}
	since := time.Now().Add(-t.limits.Rest)
	for _, x := range t.byID {
		if at, idle := x.idle(); idle && x.caller == of && at.Before(since) {
			least, since = x, at
		}
	}
	return least
}

func (t *sessions) put(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byID[s.id] = s
}

// find returns the caller's session; another's is not found.
func (t *sessions) find(id string, r request) *session {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.byID[id]; s != nil && s.caller == r.caller && s.catalog == r.library.Name() {
		return s
	}
	return nil
}

func (t *sessions) all() []*session {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]*session, 0, len(t.byID))
	for _, s := range t.byID {
		list = append(list, s)
	}
	return list
}

func (t *sessions) forget(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byID, s.id)
}

// drop ends a session without a word to its receiver, and reports whether it was open. Only the reason "changed" is
// remembered.
func (s *Server) drop(x *session, why seal.End) bool {
	if !x.end(why) {
		return false
	}
	s.sessions.open.Leave(x.caller)
	if why.Code != codeChanged {
		s.sessions.forget(x)
	}
	s.log.Debug("session ended", "session", x.id, "catalog", x.catalog, "caller", x.caller.Short(),
		"code", why.Code, "end", why.Error)
	return true
}

// end ends a session, and tells its receiver why.
func (s *Server) end(x *session, why seal.End) {
	if !s.drop(x, why) {
		return
	}
	frame, err := x.sender.SealEnd(why)
	if err == nil && s.nc.IsConnected() {
		err = s.nc.Publish(x.subject, frame)
	}
	if err != nil {
		s.log.Debug("the end of a session was not told", "session", x.id, "err", err)
	}
}

// endFor ends a session because of err, which its receiver is told as the caller of a request would be.
func (s *Server) endFor(x *session, err error) {
	refusal, internal := api.Refusal(err)
	if internal {
		s.log.Error("a session failed", "session", x.id, "catalog", x.catalog, "err", err)
	}
	s.end(x, seal.End{Code: int(refusal.Code), Error: refusal.Message})
}

// reserve makes room for a session of the caller, which is given back when the session ends. Where all are taken the
// idlest makes room: a page that shows a folder of pictures opens hundreds, and other accounts must find room, too.
func (s *Server) reserve(caller events.Account) error {
	for !s.sessions.open.Enter(caller) {
		x := s.sessions.idlest(caller)
		if x == nil {
			return tooMany(s.sessions.open, caller)
		}
		s.end(x, seal.End{Code: codeStopped, Error: "the session had nothing to do and made room for another"})
	}
	return nil
}

// tooMany is the refusal of one more download.
func tooMany(l *limiter.Limiter[events.Account], caller events.Account) error {
	all, own := l.InFlight(caller)
	return api.Later(api.ErrTooMany, time.Second, "%d downloads are open, of them %d yours", all, own)
}

// endUnshared ends the sessions whose share is gone or cannot be confirmed.
func (s *Server) endUnshared() {
	for _, x := range s.sessions.all() {
		if err := s.shares.allows(x.edge()); err != nil {
			s.endFor(x, err)
		}
	}
}

// expire ends idle sessions, and those that can no longer be confirmed, until ctx is done.
func (s *Server) expire(ctx context.Context) error {
	tick := time.NewTicker(max(min(s.limits.Idle, s.limits.SharesMaxAge)/8, 10*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		s.endUnshared()
		for _, x := range s.sessions.all() {
			switch at, idle := x.idle(); {
			case time.Since(at) <= s.limits.Idle:
			case x.isOver():
				s.sessions.forget(x)
			case idle:
				s.end(x, seal.End{Code: codeStopped, Error: "the session was not used for too long"})
			}
		}
	}
}
