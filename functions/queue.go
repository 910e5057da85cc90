package functions

import (
	"sync"
	"time"

	"natster/events"
	"natster/functions/api"
)

// A queue says which request is handled next: the accounts that wait have their turns one after the other, whatever
// each of them asks for, and no account has more than so many handlers. Requests of other functions, which come from no
// account, count as an account's of their own, with more handlers. It keeps time, but starts nothing; its methods are
// safe for concurrent use and never wait.
type queue struct {
	handlers   int // in all
	perAccount int // of them, of one account
	room       int // requests that wait, in all: an account that waits with less than perAccount has room anyway
	ownRoom    int // of one account

	mu      sync.Mutex
	lines   map[events.Account]*line // of accounts that have something here
	turns   []events.Account         // those that wait and have less handlers than they may; the next first
	running int
	waiting int
	pace    time.Duration // that a request takes lately, about
}

// A line is what one account has in the queue.
type line struct {
	running int // handlers
	waiting []*job
	inTurns bool
}

// fits reports whether the first that waits may be handled beside those that are, of so many handlers.
func (l *line) fits(most int) bool {
	return len(l.waiting) > 0 && (l.running == 0 || l.running+l.waiting[0].weight <= most)
}

// A job is a request in the queue. It is one goroutine's.
type job struct {
	from     events.Account
	weight   int // handlers that it counts as
	arrived  time.Time
	started  time.Time
	handle   func()
	released bool // its handler counts as free
}

// How many requests wait for a handler: a friendly client may well send some hundreds at once.
const (
	queueRoom    = 4096
	queueOwnRoom = 256

	// internalShare is how many times an account's handlers functions have together.
	internalShare = 4
)

func newQueue(handlers, perAccount int) *queue {
	return &queue{handlers: handlers, perAccount: perAccount, room: queueRoom, ownRoom: queueOwnRoom,
		lines: make(map[events.Account]*line)}
}

// most is how many handlers the account may have.
func (q *queue) most(a events.Account) int {
	if a.IsZero() {
		return q.perAccount * internalShare
	}
	return q.perAccount
}

// add takes in a request: start says that it is to be handled now, else it waits. The error is an [api.ErrTooMany]:
// there is no room.
func (q *queue) add(j *job) (start bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lines[j.from]
	if l == nil {
		l = &line{}
		q.lines[j.from] = l
	}
	if q.running < q.handlers && len(l.waiting) == 0 && (l.running == 0 || l.running+j.weight <= q.most(j.from)) {
		q.running += j.weight
		l.running += j.weight
		return true, nil
	}
	switch own := len(l.waiting); {
	case own >= q.ownRoom:
		return false, api.Later(api.ErrTooMany, q.wait(own, q.most(j.from)), "this account asks for too much at once")
	case q.waiting >= q.room && own >= q.perAccount:
		return false, api.Later(api.ErrTooMany, q.wait(q.waiting, q.handlers), "too much is asked for at once")
	}
	l.waiting = append(l.waiting, j)
	q.waiting++
	q.enter(j.from, l)
	return false, nil
}

// wait is how long it takes about until so many requests are handled. The lock is held.
func (q *queue) wait(requests, handlers int) time.Duration {
	const least, most = 100 * time.Millisecond, 10 * time.Second
	return min(max(least, q.pace*time.Duration(requests)/time.Duration(handlers)), most)
}

// enter gives the account a turn, if it waits for one. The lock is held.
func (q *queue) enter(a events.Account, l *line) {
	if !l.inTurns && l.fits(q.most(a)) {
		l.inTurns = true
		q.turns = append(q.turns, a)
	}
}

// done ends what was started, and returns what is to be handled in its place.
func (q *queue) done(j *job) []*job {
	took := time.Since(j.started)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pace += (took - q.pace) / 16
	if j.released {
		return nil
	}
	return q.free(j)
}

// release says that the job's handler will do nothing for a while but wait: others may work meanwhile. It returns what
// is to be handled now.
func (q *queue) release(j *job) []*job {
	q.mu.Lock()
	defer q.mu.Unlock()
	if j.released {
		return nil
	}
	j.released = true
	return q.free(j)
}

// free frees the job's handlers and gives them to the next in turn. The lock is held.
func (q *queue) free(j *job) []*job {
	l := q.lines[j.from]
	l.running -= j.weight
	q.running -= j.weight
	q.enter(j.from, l)
	if l.running == 0 && len(l.waiting) == 0 {
		delete(q.lines, j.from)
	}
	var next []*job
	for len(q.turns) > 0 && q.running < q.handlers { // in the place of a heavy one several may be handled
		a := q.turns[0]
		q.turns = q.turns[1:]
		l := q.lines[a]
		l.inTurns = false
		n := l.waiting[0]
		l.waiting[0] = nil
		l.waiting = l.waiting[1:]
		l.running += n.weight
		q.running += n.weight
		q.waiting--
		q.enter(a, l)
		next = append(next, n)
	}
	return next
}
