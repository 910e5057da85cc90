package server

import (
	"time"

	"natster/events"
)

// upload is how much of files may be sent to other accounts, in all: as much as comes in a second at once, and then
// Limits.Upload bytes a second. What is sent beyond that, by at most the one chunk that was begun, is made up for. It
// is not safe for concurrent use.
type upload struct {
	perSecond float64 // 0: as much as the connection takes
	now       func() time.Time

	left float64 // bytes; below zero what is made up for
	at   time.Time
}

func newUpload(l Limits, now func() time.Time) upload {
	return upload{perSecond: float64(l.Upload), now: now, left: float64(l.Upload), at: now()}
}

// limited reports whether what is sent to the account counts. What the owner gets, on another machine, does not.
func (u *upload) limited(a events.Account) bool { return u.perSecond > 0 && !a.IsZero() }

// wait returns how long it is until something may be sent; 0 is now.
func (u *upload) wait() time.Duration {
	if u.perSecond == 0 {
		return 0
	}
	now := u.now()
	u.left = min(u.perSecond, u.left+max(0, now.Sub(u.at).Seconds())*u.perSecond)
	u.at = now
	if u.left > 0 {
		return 0
	}
	return max(shortestWait, time.Duration(-u.left/u.perSecond*float64(time.Second)))
}

// shortestWait is long enough for some chunks of a fast server, and shorter than anybody notices.
const shortestWait = 5 * time.Millisecond

// take takes n bytes that are about to be sent to the account; less than none gives back what was not sent.
func (u *upload) take(a events.Account, n int) {
	if u.limited(a) {
		u.left -= float64(n)
	}
}
