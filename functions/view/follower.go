package view

import (
	"context"
	"sync"
	"time"

	"natster/internal/backoff"
)

// A Follower waits until a projection reflects a position of the log. However many callers wait, one of them asks at a
// time, and its answer is for all. It is safe for concurrent use.
type Follower struct {
	views  *Reader
	bucket Bucket

	mu     sync.Mutex
	at     uint64        // the position that the bucket is known to reflect
	asking chan struct{} // closed when the question under way is answered; nil when there is none
	asked  time.Time     // the question before it
	idle   int           // how many questions in a row brought nothing new
}

// NewFollower returns a follower of bucket b.
func NewFollower(views *Reader, b Bucket) *Follower { return &Follower{views: views, bucket: b} }

// Wait returns when the bucket reflects the position, or with an error when ctx ends first or the bucket cannot be
// read.
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
			due := f.asked.Add(followPause(f.idle))
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

// followPause paces the questions of a follower: a projection is usually behind by a fraction of a millisecond, and one
// that stands still must cost little.
var followPause = backoff.Doubling(200*time.Microsecond, 10*time.Millisecond)

// ask asks once, after a pause, and wakes those who wait for the answer.
func (f *Follower) ask(ctx context.Context, pause time.Duration) error {
	var s Snapshot
	err := backoff.Sleep(ctx, pause)
	if err == nil {
		s, err = f.views.Read(ctx, f.bucket, 0)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = time.Now()
	if f.idle++; s.Position > f.at {
		f.at, f.idle = s.Position, 0
	}
	close(f.asking)
	f.asking = nil
	return err
}
