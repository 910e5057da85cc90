package client

import "time"

// The number of chunks in flight follows the latency: few at first, so that a slow link is not filled with chunks that
// are not wanted any more, and many when they arrive fast. The page's media/flow.ts has the same rule;
// ../testdata/window.json has the cases of both.
const (
	windowStart = 2
	windowMax   = 32
	fast        = 300 * time.Millisecond // below: one more
	slow        = 800 * time.Millisecond // above: one less
)

// A chunk counts as lost after a time that, as in TCP, follows from the latency and its variation.
const (
	minTimeout  = 250 * time.Millisecond
	maxTimeout  = 30 * time.Second
	maxDoubling = 6               // of the timeout, for a chunk that is asked for again and again
	firstRate   = 128 << 10       // bytes per second that are expected of the first chunk
	maxGuess    = 5 * time.Second // of a latency that is only known from losses
)

// reorder is how many chunks that were asked for later must arrive before a missing one counts as lost.
const reorder = 8

// A window says how many chunks may be in flight, and when one counts as lost. It is not safe for concurrent use.
type window struct {
	size, most int           // chunks
	first      time.Duration // timeout before the latency is known
	mean, vari time.Duration // of the latency; mean 0: not known
	shrunk     time.Time     // when it last shrank because of a loss
}

// newWindow returns a window for chunks of a size, of at most so many bytes.
func newWindow(chunkSize, bytes int) window {
	most := min(windowMax, max(1, bytes/chunkSize))
	return window{
		size: min(windowStart, most), most: most,
		first: 2*time.Second + time.Duration(chunkSize)*time.Second/firstRate,
	}
}

// arrived notes that a chunk arrived d after it was first asked for, and that it was asked for tries times. It is not
// known which of several requests it answers: it can be slow, but does not count for the latency.
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

// lost notes that chunks did not arrive in time: the link may have become slower. Of a burst of losses the first
// counts.
func (w *window) lost(now time.Time) {
	if !w.shrunk.IsZero() && now.Sub(w.shrunk) < w.timeout(1) {
		return
	}
	w.shrunk = now
	w.size = max(w.size/2, 1)
	w.mean = max(w.mean, min(2*w.mean, maxGuess))
}

// timeout returns how long to wait for a chunk that was asked for tries times.
func (w *window) timeout(tries int) time.Duration {
	d := w.first
	if w.mean > 0 {
		d = max(w.mean+4*w.vari, minTimeout)
	}
	return min(d<<min(tries-1, maxDoubling), maxTimeout)
}

// batch returns how many free places make a request worth sending.
func (w *window) batch() int { return max(1, w.size/4) }

// overtaken reports whether chunk number seq, in the order of asking, is lost since number newest has arrived.
func overtaken(seq, newest uint64) bool { return seq+reorder < newest }
