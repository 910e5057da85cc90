package view

import (
	"context"
	"sync"
	"time"
)

// A Follower tells when a projection reflects a position of the log. However many wait, one of them asks at a time, and what
// it hears answers all. It is safe for concurrent use.
type Follower struct {
	views  *Reader
	bucket Bucket

	mu     sync.Mutex
	at     uint64        // the position that the bucket is known to reflect
	asking chan struct{} // closed when the question under way is answered; nil when there is none
	pause  time.Duration // between that question and the next
	asked  time.Time
}

// NewFollower returns a follower of bucket b.
func NewFollower(views *Reader, b Bucket) *Follower { return &Follower{views: views, bucket: b} }

// Wait returns when the bucket reflects the position, or with an error when ctx ends first or the bucket cannot be read.
func (f *Follower) Wait(ctx context.Context, position uint64) error {
	for {
		f.mu.Lock()
		if f.at >= position {
			f.mu.Unlock()
			return nil
		}
		answered := f.asking
		if answered == nil {
			f.asking = make(chan struct{})
			due := f.asked.Add(f.pause)
			f.mu.Unlock()
			if err := f.ask(ctx, time.Until(due)); err != nil {
				return err
			}
			continue
		}
		f.mu.Unlock()
		select {
		case <-answered:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// ask asks once, after a pause, and lets those know who wait for it. The pauses grow while there is nothing new: a projection
// is usually behind by a fraction of a millisecond, and one that stands still must cost little.
func (f *Follower) ask(ctx context.Context, pause time.Duration) error {
	const first, most = 200 * time.Microsecond, 10 * time.Millisecond
	var s Snapshot
	var err error
	select {
	case <-time.After(pause):
		s, err = f.views.Read(ctx, f.bucket, 0)
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = time.Now()
	if f.pause = min(max(2*f.pause, first), most); s.Position > f.at {
		f.at, f.pause = s.Position, 0
	}
	close(f.asking)
	f.asking = nil
	return err
}
