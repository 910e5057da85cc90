package client

import (
	"context"
	"errors"
	"io"
)

// errSeek is returned for a position before the file's beginning, or an invalid whence.
var errSeek = errors.New("no such position in the file")

// A Reader is an [io.ReadSeeker] of a [File]. The longer it reads without a seek, the more it reads ahead. It is for
// one goroutine.
type Reader struct {
	f      *File
	ctx    context.Context
	off    int64
	streak int64 // bytes read since the last seek
}

// NewReader returns a reader at the beginning of f; its reads fail when ctx ends.
func (f *File) NewReader(ctx context.Context) *Reader { return &Reader{f: f, ctx: ctx} }

func (f *File) content(ctx context.Context) io.ReadSeeker { return f.NewReader(ctx) }

// Read reads as [io.Reader] says.
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
		err = nil // the next read fails again
	}
	return n, err
}

// ahead returns how many chunks to want beyond what is read: as many as were read since the last seek, within the
// window.
func (r *Reader) ahead() int64 {
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	return min(1+r.streak/int64(r.f.t.layout.ChunkSize), r.f.t.ahead())
}

// Seek moves as [io.Seeker] says. What was wanted ahead at the old position is forgotten.
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
