package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"natster/events"
	"natster/workloads/catalog"
)

// cacheBytes is how much of an open file is kept in memory: what players read again, and what was read ahead.
const cacheBytes = 8 << 20

// openWindow is the most bytes in flight of one open file: players have several open at a time.
const openWindow = 2 << 20

// A File is a remote file that is read as needed, an [io.ReaderAt] and an [io.Closer]. It is safe for concurrent use;
// [File.NewReader] returns an [io.ReadSeeker]. What it returns is authenticated, chunk by chunk, as what the catalog's
// server has; only a reader of the whole file can check that it has the listed hash.
type File struct {
	c    *Client
	ctx  context.Context // ends with Close
	stop context.CancelFunc

	opening sync.Mutex // held while t is replaced
	mu      sync.Mutex
	src     source
	t       *transfer
	cache   map[int64]*cached
	clock   uint64
}

// A cached chunk is one that is there, or on its way.
type cached struct {
	*slot
	used    uint64
	waiters int
}

// Open opens a file of a catalog, to read any part of it. Errors wrap [ErrNotShared], [catalog.ErrNotFound],
// [catalog.ErrChanged], [ErrOffline], [ErrBusy], [ErrImpostor] or [ErrNoRandomAccess]. Close the file after use.
func (c *Client) Open(ctx context.Context, name events.Catalog, e catalog.Entry) (*File, error) {
	origin, err := c.origin(ctx, name)
	if err != nil {
		return nil, err
	}
	f := &File{c: c, src: source{name, origin, e.Hash, e.Size}, cache: make(map[int64]*cached)}
	f.ctx, f.stop = context.WithCancel(context.Background())
	if _, err := f.transfer(ctx); err != nil {
		f.stop()
		return nil, err
	}
	return f, nil
}

// Size returns the file's length in bytes.
func (f *File) Size() int64 { return f.src.size }

// Owner returns the account whose server proved to send the file.
func (f *File) Owner() events.Account {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.src.origin.Owner
}

// Close ends reading; reads that wait fail with [ErrClosed].
func (f *File) Close() error {
	f.stop()
	f.opening.Lock()
	defer f.opening.Unlock()
	f.mu.Lock()
	t := f.t
	f.cache = make(map[int64]*cached)
	f.mu.Unlock()
	if t != nil {
		t.close()
	}
	return nil
}

// broken returns why no read can succeed any more, or nil.
func (f *File) broken() error {
	f.mu.Lock()
	t := f.t
	f.mu.Unlock()
	err := t.failure()
	if temporary(err) {
		return nil
	}
	return err
}

// temporary reports whether another transfer may succeed.
func temporary(err error) bool { return isOneOf(err, ErrOffline, errLayout, ErrBusy) }

// transfer returns a running transfer. One that failed for a temporary reason is replaced.
func (f *File) transfer(ctx context.Context) (*transfer, error) {
	f.opening.Lock()
	defer f.opening.Unlock()
	if f.ctx.Err() != nil {
		return nil, ErrClosed
	}
	f.mu.Lock()
	t, src := f.t, f.src
	f.mu.Unlock()
	if t != nil {
		err := t.failure()
		switch {
		case err == nil:
			return t, nil
		case !temporary(err):
			return nil, err
		}
		t.close()
	}
	s, _, err := f.c.openSession(ctx, src, f.c.ReadChunk, false)
	if err != nil {
		return nil, err
	}
	t, err = startTransfer(s, f.c.Timeout, min(f.c.Window, openWindow))
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.t, f.src.origin = t, t.src.origin
	f.cache = make(map[int64]*cached)
	return t, nil
}

// ReadAt reads as [io.ReaderAt] says. It fails after the client's Timeout without progress.
func (f *File) ReadAt(p []byte, off int64) (int, error) { return f.readAt(f.ctx, p, off, 0) }

// readAt is ReadAt that also ends with ctx and wants ahead chunks beyond those it reads.
func (f *File) readAt(ctx context.Context, p []byte, off, ahead int64) (n int, err error) {
	if off < 0 {
		return 0, fmt.Errorf("read at %d: %w", off, errSeek)
	}
	for len(p) > 0 && off < f.Size() {
		t, err := f.transfer(ctx)
		if err != nil {
			return n, err
		}
		i := off / int64(t.layout.ChunkSize)
		last := (min(off+int64(len(p)), f.Size()) - 1) / int64(t.layout.ChunkSize)
		data, err := f.chunk(ctx, t, i, last+ahead)
		switch {
		case errors.Is(err, errLayout):
			continue
		case err != nil:
			return n, err
		}
		k := copy(p, data[off-t.layout.Offset(i):])
		p, off, n = p[k:], off+int64(k), n+k
	}
	if len(p) > 0 {
		return n, io.EOF
	}
	return n, nil
}

// chunk returns chunk i. It also wants those after it up to last, as far as there is room.
func (f *File) chunk(ctx context.Context, t *transfer, i, last int64) ([]byte, error) {
	f.mu.Lock()
	if f.t != t {
		f.mu.Unlock()
		return nil, errLayout
	}
	x := f.get(t, i, true)
	x.waiters++
	for j := i + 1; j <= min(last, i+t.ahead(), t.layout.Chunks()-1); j++ {
		f.get(t, j, false)
	}
	f.evict(t)
	f.mu.Unlock()

	var err error
	select {
	case <-x.ready:
		err = x.err
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-f.ctx.Done():
		err = ErrClosed
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	x.waiters--
	if err != nil {
		if f.cache[i] == x && x.waiters == 0 && x.err != nil {
			delete(f.cache, i)
		}
		if f.ctx.Err() != nil {
			err = ErrClosed
		}
		return nil, err
	}
	return x.data, nil
}

// get returns chunk i from the cache, where it is wanted now if it was not there. The lock is held.
func (f *File) get(t *transfer, i int64, urgent bool) *cached {
	x := f.cache[i]
	if x == nil {
		x = &cached{slot: t.want(i, urgent)}
		f.cache[i] = x
	}
	f.clock++
	x.used = f.clock
	return x
}

// evict drops the chunks that were used longest ago until the others fit. The lock is held.
func (f *File) evict(t *transfer) {
	capacity := max(cacheBytes/t.layout.ChunkSize, 2*int(t.ahead())+2)
	for len(f.cache) > capacity {
		var oldest *cached
		for _, x := range f.cache {
			if x.waiters == 0 && (oldest == nil || x.used < oldest.used) {
				oldest = x
			}
		}
		if oldest == nil {
			return
		}
		delete(f.cache, oldest.index)
	}
}

// moved takes back what was wanted ahead and not asked for yet: a reader moved.
func (f *File) moved() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, x := range f.t.forget(func(x *slot) bool {
		c := f.cache[x.index]
		return c == nil || c.slot != x || c.waiters == 0
	}) {
		if c := f.cache[x.index]; c != nil && c.slot == x {
			delete(f.cache, x.index)
		}
	}
}
