package client

import "time"

// How many chunks are in flight follows the latency that is seen, as measured in a browser and over TCP: few at first, so that a slow
// link is not filled with what is not wanted any more; many when they come fast.
const (
	windowStart = 2
	windowMax   = 32
	fast        = 300 * time.Millisecond // one more below
	slow        = 800 * time.Millisecond // one less above
)

// After how long a chunk counts as lost: as TCP does it, from the measured latency and its variation.
const (
	minTimeout = 250 * time.Millisecond
	maxTimeout = 30 * time.Second
	firstRate  = 128 << 10 // bytes per second that the first chunk is expected to come with at least
)

// reorder is how many chunks that were asked for later must arrive before a missing one counts as lost.
const reorder = 8

// window is the receiver's idea of the path. It is not safe for concurrent use.
type window struct {
	size, most int           // chunks
	first      time.Duration // timeout before anything is known
	mean, vari time.Duration // of the latency; mean 0: not known
}

func newWindow(chunkSize, bytes int) window {
	most := min(windowMax, max(1, bytes/chunkSize))
	return window{
		size: min(windowStart, most), most: most,
		first: 2*time.Second + time.Duration(chunkSize)*time.Second/firstRate,
	}
}

// arrived takes in that a chunk, asked for once, came after d.
func (w *window) arrived(d time.Duration) {
	switch {
	case d <= fast:
		w.size = min(w.size+1, w.most)
	case d > slow:
		w.size = max(w.size-1, 1)
	}
	if w.mean == 0 {
		w.mean, w.vari = d, d/2
		return
	}
	w.vari += (max(d-w.mean, w.mean-d) - w.vari) / 4
	w.mean += (d - w.mean) / 8
}

// lost takes in that chunks did not come in time.
func (w *window) lost() { w.size = max(w.size/2, 1) }

// timeout is for how long to wait for a chunk that has been asked for tries times before.
func (w *window) timeout(tries int) time.Duration {
	d := w.first
	if w.mean > 0 {
		d = max(w.mean+4*w.vari, minTimeout)
	}
	return min(d<<min(tries, 8), maxTimeout)
}

// batch is how much room makes it worth asking.
func (w *window) batch() int { return max(1, w.size/4) }
