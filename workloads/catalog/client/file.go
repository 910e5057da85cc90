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

// A File is a remote file, read as it is needed: an [io.ReaderAt], an [io.ReadSeeker] and an [io.Closer]. It is safe for
// concurrent use, with one position for Read and Seek; [File.NewReader] gives more. What it returns is what the catalog's
// server has, chunk by chunk authenticated; only reading all of it can tell whether that has the hash that was listed.
type File struct {
	c     *Client
	src   source
	entry catalog.Entry
	ctx   context.Context // ends with Close
	stop  context.CancelFunc
	local *fetched // where the file is, if it had to be fetched whole

	opening sync.Mutex // held while t is replaced
	mu      sync.Mutex
	t       *transfer
	cache   map[int64]*cached
	clock   uint64

	position *Reader
	seat     sync.Mutex // of position
}

type cached struct {
	*slot
	used    uint64
	waiters int
}

// Open opens a file of a catalog for reading any part of it. Errors wrap [ErrNotShared], [catalog.ErrNotFound], [catalog.ErrChanged],
// [ErrOffline], [ErrBusy], [ErrImpostor] or [ErrNoRandomAccess]. Close the file after use.
func (c *Client) Open(ctx context.Context, name events.Catalog, e catalog.Entry) (*File, error) {
	origin, err := c.origin(ctx, name)
	if err != nil {
		return nil, err
	}
	f := &File{c: c, src: source{name, origin, e.Hash, e.Size}, entry: e, cache: make(map[int64]*cached)}
	f.ctx, f.stop = context.WithCancel(context.Background())
	if _, err := f.transfer(ctx); err != nil {
		f.stop()
		return nil, err
	}
	f.position = f.NewReader(f.ctx)
	return f, nil
}

// Entry is what was opened.
func (f *File) Entry() catalog.Entry { return f.entry }

// Size is the file's length in bytes.
func (f *File) Size() int64 { return f.entry.Size }

// Owner is the account whose server proved to send the file.
func (f *File) Owner() events.Account {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.src.origin.Owner
}

// Close ends the reading; reads that are waiting fail with [ErrClosed].
func (f *File) Close() error {
	f.stop()
	if f.local != nil {
		return f.local.remove()
	}
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

// broken is why reading cannot go on, or nil: also where a read would try anew.
func (f *File) broken() error {
	if f.local != nil {
		return nil
	}
	f.mu.Lock()
	t := f.t
	f.mu.Unlock()
	err := t.failure()
	if temporary(err) {
		return nil
	}
	return err
}

// temporary tells whether another transfer may succeed.
func temporary(err error) bool {
	return errors.Is(err, ErrOffline) || errors.Is(err, errLayout) || errors.Is(err, ErrBusy)
}

// transfer returns a running transfer. One that failed for a reason that may have gone is replaced.
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
	t, p, err := f.c.openTransfer(ctx, src, f.c.ReadChunk, min(f.c.Window, cacheBytes/2))
	if err != nil {
		return nil, err
	}
	if p != nil {
		_ = p.sub.Unsubscribe()
		p.key.Wipe()
		return nil, fmt.Errorf("%s: %w", f.src.catalog, ErrNoRandomAccess)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.t, f.src.origin = t, t.src.origin
	f.cache = make(map[int64]*cached)
	return t, nil
}

// ReadAt fills p from offset off, as [io.ReaderAt] says. It waits for at most the client's Timeout without any progress.
func (f *File) ReadAt(p []byte, off int64) (int, error) { return f.readAt(f.ctx, p, off, 0) }

// readAt is ReadAt that gives up with ctx and wants ahead chunks beyond what it reads.
func (f *File) readAt(ctx context.Context, p []byte, off, ahead int64) (n int, err error) {
	if off < 0 {
		return 0, fmt.Errorf("%s: read at %d: %w", f.entry.Path, off, errSeek)
	}
	if f.local != nil {
		return f.local.ReadAt(p, off)
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

// chunk returns chunk i, and wants those after it up to last meanwhile, as far as there is room.
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

// get returns the cache's chunk i, wanted now if it was not there. The lock is held.
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

// evict drops what was used longest ago until the rest fits. The lock is held.
func (f *File) evict(t *transfer) {
	most := max(cacheBytes/t.layout.ChunkSize, 2*int(t.ahead())+2)
	for len(f.cache) > most {
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

// moved takes back what was wanted ahead and is not on its way: somebody went elsewhere.
func (f *File) moved() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.t == nil {
		return
	}
	for _, x := range f.t.forget(func(x *slot) bool { c := f.cache[x.index]; return c == nil || c.slot != x || c.waiters == 0 }) {
		if c := f.cache[x.index]; c != nil && c.slot == x {
			delete(f.cache, x.index)
		}
	}
}
