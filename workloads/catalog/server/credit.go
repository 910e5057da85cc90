package server

import (
	"context"
	"time"

	"natster/events"
	"natster/internal/backoff"
	"natster/internal/limiter"
	"natster/workloads/catalog/seal"
)

// credit is how many bytes each account may be sent that it has not proved to have got. To ask costs a hundred bytes,
// and to listen as many as are sent: so who asks and does not listen makes the owner upload no more than
// Limits.Unproved, which is more than all machines of an honest account have in flight. It comes back with time, too:
// frames are lost now and then; and programs of before prove nothing, and so get files at that speed, enough to watch a
// film, once they have used it up. The owner's own account needs none. It is safe for concurrent use.
type credit struct {
	sessions, pushes *limiter.Allowance[events.Account]
	now              func() time.Time
}

// leastCost is what a frame costs at least, in bytes of credit and of [Limits.Upload]: its subject and its seal are
// that long, and a file of one byte that is asked for again and again must not cost its receiver next to nothing.
const leastCost = 256

// cost is what a frame of n bytes of a file costs. None is no frame, and costs nothing.
func cost(n int) int {
	if n == 0 {
		return 0
	}
	return max(n, leastCost)
}

// newCredit gives pushes less: they were not asked for piece by piece, and what does not arrive of them waits in the
// NATS server, which ends the connection of who has too much there.
func newCredit(l Limits, now func() time.Time) credit {
	of := func(bytes int) *limiter.Allowance[events.Account] {
		return limiter.NewAllowance[events.Account](int64(l.Forgiven), int64(bytes))
	}
	return credit{sessions: of(l.Unproved), pushes: of(max(l.Unproved/4, seal.Chunk1)), now: now}
}

// take takes n bytes for the account, or returns how long it is until it has them.
func (c credit) take(a events.Account, n int) (wait time.Duration) {
	if a.IsZero() {
		return 0
	}
	return c.sessions.TakeSome(a, n, c.now())
}

// giveBack gives back n bytes that were not sent, or that the account has proved to have got.
func (c credit) giveBack(a events.Account, n int) {
	if !a.IsZero() && n > 0 {
		c.sessions.GiveBack(a, n, c.now())
	}
}

// push waits until the account may be pushed n bytes.
func (c credit) push(ctx context.Context, a events.Account, n int) error {
	for !a.IsZero() {
		wait := c.pushes.TakeSome(a, n, c.now())
		if wait == 0 {
			break
		}
		if err := backoff.Sleep(ctx, wait); err != nil {
			return err
		}
	}
	return nil
}

// maxUnproved is how many frames of a session can be proved at a time; more are forgiven only.
const maxUnproved = 1024

// unproved are the frames of a session that the receiver has not proved to have got, by their counters, and how many
// bytes each cost. It is not safe for concurrent use.
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
