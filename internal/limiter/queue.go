package limiter

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// Bounds are those of a [Queue].
type Bounds[Account comparable] struct {
	Handlers   int               // in all
	PerAccount func(Account) int // of them, of one account: at least 1; it must not block
	Room       int               // jobs that wait, in all: who waits with less than PerAccount has room anyway
	OwnRoom    int               // of one account
	// Pace, if it is not nil, takes so much, in weights, of what an account may have handled, and returns 0, or says
	// how long it is until that can be taken: so long the account waits, whoever else does. It must not block.
	Pace func(a Account, weight int) (wait time.Duration)
}

// A Queue says which job is handled next: the accounts that wait have their turns one after the other, whatever each of
// them asks for, and no account has more than so many handlers. Handlers are goroutines that end when there is nothing
// to do. Its methods are safe for concurrent use, and none but [Queue.Close] waits.
type Queue[Account comparable] struct {
	bounds Bounds[Account]
	busy   sync.WaitGroup // the handlers

	mu      sync.Mutex
	lines   map[Account]*line[Account] // of accounts that have something here
	turns   []Account                  // those that wait and may have another handler now; the next first
	running int
	waiting int
	lately  time.Duration // that a job takes, about
	closed  bool
}

// A line is what one account has in the queue.
type line[Account comparable] struct {
	running int // handlers
	waiting []*Job[Account]
	inTurns bool
	resting *time.Timer // ends when it may have the next handled at its pace; nil: now
}

// fits reports whether the first that waits may be handled beside those that are, of so many handlers.
func (l *line[Account]) fits(most int) bool {
	return len(l.waiting) > 0 && (l.running == 0 || l.running+l.waiting[0].Weight <= most)
}

// A Job is something to do, once.
type Job[Account comparable] struct {
	From   Account
	Weight int                        // handlers that it counts as, at least 1
	Handle func(waited time.Duration) // called in its turn, in a goroutine of the queue

	arrived, started time.Time
	released         bool // its handler counts as free
}

// ErrClosed is returned for a job that comes after [Queue.Close].
var ErrClosed = errors.New("the queue is closed")

// Full is the error for a job that there is no room for.
type Full struct {
	Own  bool          // its account waits with as much as it may; else all together do
	Wait time.Duration // until there is room, about: 100 ms to 10 s
}

// Error says how long it lasts, for a log; callers are told in words of their own.
func (f *Full) Error() string { return fmt.Sprintf("the queue is full for %s", f.Wait) }

// NewQueue returns an empty queue.
func NewQueue[Account comparable](b Bounds[Account]) *Queue[Account] {
	return &Queue[Account]{bounds: b, lines: make(map[Account]*line[Account])}
}

// Add takes in a job, to be handled now or in its turn. The error is a [*Full], or [ErrClosed].
func (q *Queue[Account]) Add(j *Job[Account]) error {
	start, err := q.add(j)
	if start {
		go q.work(j)
	}
	return err
}

// Release says, while the job is handled, that its handler will do nothing for a while but wait: others may work
// meanwhile.
func (q *Queue[Account]) Release(j *Job[Account]) { q.start(q.release(j)) }

// Close takes in no more jobs, and returns when the last was handled; none waits for its account's pace any more.
func (q *Queue[Account]) Close() {
	q.mu.Lock()
	q.closed = true
	for a, l := range q.lines {
		if l.resting != nil {
			l.resting.Stop()
			l.resting = nil
			q.enter(a, l)
		}
	}
	next := q.next()
	q.mu.Unlock()
	q.start(next)
	q.busy.Wait()
}

// start handles jobs that were taken out, each in a goroutine of its own.
func (q *Queue[Account]) start(jobs []*Job[Account]) {
	for _, j := range jobs {
		go q.work(j)
	}
}

// work handles a job, and then those whose turn it is.
func (q *Queue[Account]) work(j *Job[Account]) {
	for j != nil {
		j.started = time.Now()
		j.Handle(j.started.Sub(j.arrived))
		next := q.done(j)
		if j = nil; len(next) > 0 {
			j = next[0]
			q.start(next[1:])
		}
		q.busy.Done()
	}
}

// add takes in a job: start says that it is to be handled now, else it waits.
func (q *Queue[Account]) add(j *Job[Account]) (start bool, err error) {
	j.arrived = time.Now()
	most := q.bounds.PerAccount(j.From)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false, ErrClosed
	}
	l := q.lines[j.From]
	if l == nil {
		l = &line[Account]{}
	}
	var rest time.Duration
	if q.running < q.bounds.Handlers && len(l.waiting) == 0 && (l.running == 0 || l.running+j.Weight <= most) {
		if rest = q.pace(j); rest == 0 {
			q.lines[j.From] = l
			q.running += j.Weight
			l.running += j.Weight
			q.busy.Add(1)
			return true, nil
		}
	}
	switch own := len(l.waiting); {
	case own >= q.bounds.OwnRoom:
		return false, &Full{Own: true, Wait: max(q.wait(own, most), bounded(j.arrived.Sub(l.waiting[0].arrived)))}
	case q.waiting >= q.bounds.Room && own >= most:
		return false, &Full{Wait: q.wait(q.waiting, q.bounds.Handlers)}
	}
	q.lines[j.From] = l
	l.waiting = append(l.waiting, j)
	q.waiting++
	q.busy.Add(1)
	if rest > 0 {
		q.rest(j.From, l, rest)
	}
	q.enter(j.From, l)
	return false, nil
}

// pace is how long the job's account has to wait until it may have the job handled; 0: it may now. The lock is held.
func (q *Queue[Account]) pace(j *Job[Account]) time.Duration {
	if q.bounds.Pace == nil || q.closed {
		return 0
	}
	return q.bounds.Pace(j.From, j.Weight)
}

// rest gives the account no turn for so long. The lock is held.
func (q *Queue[Account]) rest(a Account, l *line[Account], wait time.Duration) {
	l.resting = time.AfterFunc(wait, func() {
		q.mu.Lock()
		l.resting = nil
		q.enter(a, l)
		next := q.next()
		q.mu.Unlock()
		q.start(next)
	})
}

// wait is how long it takes about until so many jobs are handled. The lock is held.
func (q *Queue[Account]) wait(jobs, handlers int) time.Duration {
	return bounded(q.lately * time.Duration(jobs) / time.Duration(handlers))
}

// bounded is a time that may be told to who asks when to come back.
func bounded(wait time.Duration) time.Duration {
	const least, most = 100 * time.Millisecond, 10 * time.Second
	return min(max(least, wait), most)
}

// enter gives the account a turn, if it waits for one. The lock is held.
func (q *Queue[Account]) enter(a Account, l *line[Account]) {
	if !l.inTurns && l.resting == nil && l.fits(q.bounds.PerAccount(a)) {
		l.inTurns = true
		q.turns = append(q.turns, a)
	}
}

// done ends what was started, and returns what is to be handled in its place.
func (q *Queue[Account]) done(j *Job[Account]) []*Job[Account] {
	took := time.Since(j.started)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lately += (took - q.lately) / 16
	if j.released {
		return nil
	}
	return q.free(j)
}

// release frees the handler of a job that is still being handled, and returns what is to be handled in its place.
func (q *Queue[Account]) release(j *Job[Account]) []*Job[Account] {
	q.mu.Lock()
	defer q.mu.Unlock()
	if j.released {
		return nil
	}
	j.released = true
	return q.free(j)
}

// free frees the job's handlers and gives them to the next in turn. The lock is held.
func (q *Queue[Account]) free(j *Job[Account]) []*Job[Account] {
	l := q.lines[j.From]
	l.running -= j.Weight
	q.running -= j.Weight
	q.enter(j.From, l)
	if l.running == 0 && len(l.waiting) == 0 {
		delete(q.lines, j.From)
	}
	return q.next()
}

// next takes out the jobs that are to be handled now. The lock is held.
func (q *Queue[Account]) next() (next []*Job[Account]) {
	for len(q.turns) > 0 && q.running < q.bounds.Handlers { // in the place of a heavy one several may be handled
		a := q.turns[0]
		q.turns = q.turns[1:]
		l := q.lines[a]
		l.inTurns = false
		n := l.waiting[0]
		if wait := q.pace(n); wait > 0 {
			q.rest(a, l, wait)
			continue
		}
		l.waiting[0] = nil
		l.waiting = l.waiting[1:]
		l.running += n.Weight
		q.running += n.Weight
		q.waiting--
		q.enter(a, l)
		next = append(next, n)
	}
	return next
}
