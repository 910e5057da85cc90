package client

import (
	"context"
	"errors"
	"io"
)

// errSeek is returned for a position before the file's beginning, or a whence that is none.
var errSeek = errors.New("no such position in the file")

// A Reader reads a [File] from a position of its own, an [io.ReadSeeker] that looks ahead the more the longer it reads on.
// It is for one goroutine.
type Reader struct {
	f      *File
	ctx    context.Context
	off    int64
	streak int64 // bytes read on without a seek
}

// NewReader returns a reader at the beginning of f; its reads fail when ctx ends.
func (f *File) NewReader(ctx context.Context) *Reader { return &Reader{f: f, ctx: ctx} }

// Read reads on, as [io.Reader] says.
func (r *Reader) Read(p []byte) (int, error) {
	if r.off >= r.f.Size() {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	p = p[:min(int64(len(p)), r.f.Size()-r.off)]
	n, err := r.f.readAt(r.ctx, p, r.off, r.ahead())
	r.off += int64(n)
	r.streak += int64(n)
	if n > 0 {
		err = nil // what is wrong will be so again
	}
	return n, err
}

// ahead is how many chunks to want beyond what is read: as many as have been read on, within the window.
func (r *Reader) ahead() int64 {
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	if r.f.t == nil {
		return 0
	}
	return min(1+r.streak/int64(r.f.t.layout.ChunkSize), r.f.t.ahead())
}

// Seek moves, as [io.Seeker] says. Going elsewhere forgets what was wanted ahead here.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += r.off
	case io.SeekEnd:
		offset += r.f.Size()
	default:
		return 0, errSeek
	}
	if offset < 0 {
		return 0, errSeek
	}
	if offset != r.off {
		r.off = offset
		if r.streak > 0 {
			r.streak = 0
			r.f.moved()
		}
	}
	return offset, nil
}

// Read reads on from the file's position, as [io.Reader] says.
func (f *File) Read(p []byte) (int, error) {
	f.seat.Lock()
	defer f.seat.Unlock()
	return f.position.Read(p)
}

// Seek moves the file's position, as [io.Seeker] says.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	f.seat.Lock()
	defer f.seat.Unlock()
	return f.position.Seek(offset, whence)
}
