package client

import "time"

// How many chunks are in flight follows the latency that is seen: few at first, so that a slow link is not filled with what
// is not wanted any more, and many when they come fast. The page's media/flow.ts has the same rule, and
// ../testdata/window.json holds the cases of both.
const (
	windowStart = 2
	windowMax   = 32
	fast        = 300 * time.Millisecond // one more below
	slow        = 800 * time.Millisecond // one less above
)

// After how long a chunk counts as lost: as TCP does it, from the measured latency and its variation.
const (
	minTimeout  = 250 * time.Millisecond
	maxTimeout  = 30 * time.Second
	maxDoubling = 6               // of a timeout, for a chunk that is asked for again and again
	firstRate   = 128 << 10       // bytes per second that the first chunk is expected to come with at least
	maxGuess    = 5 * time.Second // of a latency that only losses tell of
)

// reorder is how many chunks that were asked for later must arrive before a missing one counts as lost.
const reorder = 8

// A window is what a receiver knows of the way to it. It is not safe for concurrent use.
type window struct {
	size, most int           // chunks
	first      time.Duration // timeout before anything is known
	mean, vari time.Duration // of the latency; mean 0: not known
	shrunk     time.Time     // when something was lost last
}

// newWindow returns a window of chunks of that size, which may hold so many bytes.
func newWindow(chunkSize, bytes int) window {
	most := min(windowMax, max(1, bytes/chunkSize))
	return window{
		size: min(windowStart, most), most: most,
		first: 2*time.Second + time.Duration(chunkSize)*time.Second/firstRate,
	}
}

// arrived takes in that a chunk came d after it was first asked for, and that it was asked for tries times. Which of several
// requests it answers is not known: it may be slow, but tells nothing about the latency.
func (w *window) arrived(d time.Duration, tries int) {
	switch {
	case d > slow:
		w.size = max(w.size-1, 1)
	case d <= fast && tries == 1:
		w.size = min(w.size+1, w.most)
	}
	switch {
	case tries > 1:
		return
	case w.mean == 0:
		w.mean, w.vari = d, d/2
		return
	}
	w.vari += (max(d-w.mean, w.mean-d) - w.vari) / 4
	w.mean += (d - w.mean) / 8
}

// lost takes in that chunks did not come in time, and that the way to here may have become slower. Of a burst of losses the
// first counts.
func (w *window) lost(now time.Time) {
	if !w.shrunk.IsZero() && now.Sub(w.shrunk) < w.timeout(1) {
		return
	}
	w.shrunk = now
	w.size = max(w.size/2, 1)
	w.mean = max(w.mean, min(2*w.mean, maxGuess))
}

// timeout is how long to wait for a chunk that was asked for the tries-th time.
func (w *window) timeout(tries int) time.Duration {
	d := w.first
	if w.mean > 0 {
		d = max(w.mean+4*w.vari, minTimeout)
	}
	return min(d<<min(tries-1, maxDoubling), maxTimeout)
}

// batch is how many free places make it worth asking.
func (w *window) batch() int { return max(1, w.size/4) }

// overtaken reports whether a chunk that was asked for as number seq is lost, since the one numbered newest has come.
func overtaken(seq, newest uint64) bool { return seq+reorder < newest }
