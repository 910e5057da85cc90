package server

import (
	"context"
	"sync"
	"time"

	"natster/events"
	"natster/internal/backoff"
)

// debts are what each account owes: the bytes that were sent to it and that it has not proved to have got. To ask costs
// a hundred bytes, and to listen as many as are sent: so who asks and does not listen makes the owner upload no more
// than Limits.Unproved, which is more than all machines of an honest account have in flight. What is owed is forgiven
// with time: frames are lost now and then; and programs of before prove nothing, and so get files at that speed, enough
// to watch a film, once they owe the most.
type debts struct {
	most, forgiven float64 // bytes; bytes per second
	now            func() time.Time

	mu sync.Mutex
	of map[events.Account]debt // without those that owe nothing, now and then
}

// debt is how many bytes an account owed at a time.
type debt struct {
	bytes float64
	at    time.Time
}

func newDebts(l Limits) *debts {
	return &debts{
		most: float64(l.Unproved), forgiven: float64(l.Forgiven), now: time.Now, of: make(map[events.Account]debt),
	}
}

// mayHave reports whether the account may be sent more. The owner's own account always may.
func (d *debts) mayHave(a events.Account) bool { return a.IsZero() || d.owes(a) < d.most }

// wait waits until the account may be sent more that it did not ask for piece by piece: what is on its way and does not
// arrive must wait in the NATS server, which ends the connection of who has too much there.
func (d *debts) wait(ctx context.Context, a events.Account) error {
	for !a.IsZero() && d.owes(a) >= d.most/4 {
		if err := backoff.Sleep(ctx, forgiveness); err != nil {
			return err
		}
	}
	return nil
}

func (d *debts) owes(a events.Account) float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.at(a, d.now())
}

// forgiveness is how often it is looked at whether who owes too much may go on.
const forgiveness = 100 * time.Millisecond

// sent notes n bytes that are on their way to the account.
func (d *debts) sent(a events.Account, n int) { d.change(a, float64(n)) }

// proved notes n bytes that the account has proved to have got.
func (d *debts) proved(a events.Account, n int) { d.change(a, -float64(n)) }

func (d *debts) change(a events.Account, by float64) {
	if a.IsZero() {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	owes := max(0, d.at(a, now)+by)
	if _, known := d.of[a]; !known && len(d.of)%1024 == 1023 {
		for b := range d.of {
			if d.at(b, now) == 0 {
				delete(d.of, b)
			}
		}
	}
	d.of[a] = debt{owes, now}
}

// at is what the account owes at a time. The lock is held.
func (d *debts) at(a events.Account, now time.Time) float64 {
	x := d.of[a]
	return max(0, x.bytes-d.forgiven*max(0, now.Sub(x.at).Seconds()))
}

// maxUnproved is how many frames of a session can be proved at a time; more are forgiven only.
const maxUnproved = 1024

// unproved are the frames of a session that the receiver has not proved to have got, by their counters, and how many
// bytes each has. It is not safe for concurrent use.
type unproved map[uint64]int

func (u unproved) sent(counter uint64, n int) {
	if len(u) >= maxUnproved { // they were lost, or this receiver proves nothing
		clear(u)
	}
	u[counter] = n
}

// got returns how many bytes the frames with these counters have, and forgets them. A counter that no frame has proves
// that the receiver guesses: then nothing is proved.
func (u unproved) got(counters []uint64) (bytes int) {
	for _, c := range counters {
		if u[c] == 0 {
			return 0
		}
	}
	for _, c := range counters {
		bytes += u[c]
		delete(u, c)
	}
	return bytes
}
