package server

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/micro"

	"natster/events"
	"natster/functions/api"
	"natster/internal/limiter"
)

// An ask is something that may be asked of a server, of whichever catalog.
type ask struct {
	handler
	bytes   int                                // of the largest request
	inline  bool                               // it is cheap, never waits, and is done in the order in which it came
	what    string                             // in the plural, for a refusal
	atOnce  int64                              // as many another account gets at once
	allowed *limiter.Allowance[events.Account] // and so many a second; nil: the own account alone asks
}

// asks says what may be asked, by verb. A listing is large: the burst is more pages than the largest has. Of downloads
// and of what follows there are more than hundreds of sessions of one account make at full speed.
func (s *Server) asks() map[string]*ask {
	const kib = 1 << 10
	rate := limiter.NewAllowance[events.Account]
	return map[string]*ask{
		events.VerbGet:      {s.get, 32 * kib, false, "listings or pages of them", 400, rate(20, 400)},
		events.VerbDownload: {s.download, 8 * kib, false, "downloads", 2000, rate(500, 2000)},
		events.VerbFetch:    {s.fetch, 32 * kib, true, "parts of files", 8000, rate(4000, 8000)},
		events.VerbClose:    {s.close, 32 * kib, true, "ends of downloads", 8000, rate(4000, 8000)},
		verbInbox:           {handler: s.inbox, bytes: 4 * kib},
	}
}

// verbInbox is what the account itself asks for, of no catalog.
const verbInbox = "inbox"

type (
	queue    = limiter.Queue[events.Account]
	job      = limiter.Job[events.Account]
	refusals = limiter.Refusals[events.Account, refused]
)

// refused is what is to be answered, without the request's body.
type refused struct {
	subject, reply string
	err            error
}

// newQueue returns the queue of what is not done inline, which may have to read from disk.
func newQueue() *queue {
	const (
		handlers, own = 16, 4
		room, ownRoom = 1024, 256 // requests that wait: a page that shows a folder sends hundreds
	)
	return limiter.NewQueue(limiter.Bounds[events.Account]{
		Handlers: handlers, Room: room, OwnRoom: ownRoom, PerAccount: func(events.Account) int { return own },
	})
}

// accept runs on the subscription's goroutine, where the requests of all accounts stand one behind the other, and so it
// never waits, and costs next to nothing. The request is answered, waits until it is its account's turn, or is refused.
func (s *Server) accept(ctx context.Context, m micro.Request, x *served, a *ask) {
	caller, _, err := events.Caller(m.Subject())
	if err != nil {
		err = api.Errorf(api.ErrBadRequest, "%v", err)
	} else if err = s.admit(caller, len(m.Data()), x, a, time.Now()); err == nil {
		r := request{caller: caller, library: x.Library, body: m.Data()}
		if a.inline {
			s.answer(ctx, m, x, r, a.handler)
			return
		}
		err = s.queue.Add(&job{From: caller, Weight: 1, Handle: func(time.Duration) {
			s.answer(ctx, m, x, r, a.handler)
		}})
		if err == nil {
			return
		}
		err = noRoom(err)
	}
	s.refusals.Refuse(caller, refused{m.Subject(), m.Reply(), err})
}

// admit refuses what the caller may not ask for at all, or not now, in n bytes.
func (s *Server) admit(caller events.Account, n int, x *served, a *ask, now time.Time) error {
	if n > a.bytes {
		return api.Errorf(api.ErrBadRequest, "the request is %d bytes long; %d is the most", n, a.bytes)
	}
	if caller.IsZero() {
		return nil
	}
	if err := s.shares.allows(edge{x.Name(), caller}); err != nil {
		return err
	}
	if wait := a.allowed.TakeSome(caller, 1+n/2048, now); wait > 0 { // what is long takes long to read
		return api.Later(api.ErrTooMany, wait, "you asked for %d %s at once", a.atOnce, a.what)
	}
	return nil
}

// noRoom is the refusal of a request that the queue does not take in because of err.
func noRoom(err error) error {
	full, is := errors.AsType[*limiter.Full](err)
	switch {
	case !is:
		return errNotServed
	case full.Own:
		return api.Later(api.ErrTooMany, full.Wait, "your account asks for too much at once")
	}
	return api.Later(api.ErrTooMany, full.Wait, "too much is asked for at once")
}
