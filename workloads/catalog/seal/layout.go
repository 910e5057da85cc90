package seal

import (
	"errors"
	"fmt"
)

// Sizes of plaintext chunks, in bytes.
const (
	MinChunk     = 4 << 10
	MaxChunk     = 1 << 20
	DefaultChunk = 128 << 10 // what a receiver gets that proposes nothing
)

// MaxSize is the largest file, in bytes: larger than any, and safe to compute with.
const MaxSize = 1 << 50

// ErrLayout is wrapped by every error about impossible sizes.
var ErrLayout = errors.New("impossible sizes")

// A Layout is how a file of Size bytes is cut into chunks of ChunkSize bytes, the last of which may be shorter. An
// empty file has no chunk.
type Layout struct {
	Size      int64
	ChunkSize int
}

// Check returns an error that wraps [ErrLayout] unless l is possible.
func (l Layout) Check() error {
	switch {
	case l.Size < 0 || l.Size > MaxSize:
		return fmt.Errorf("a file of %d bytes: %w", l.Size, ErrLayout)
	case l.ChunkSize < 1 || l.ChunkSize > MaxChunk:
		return fmt.Errorf("chunks of %d bytes: %w", l.ChunkSize, ErrLayout)
	}
	return nil
}

// Chunks returns the number of chunks.
func (l Layout) Chunks() int64 { return (l.Size + int64(l.ChunkSize) - 1) / int64(l.ChunkSize) }

// Offset returns where chunk i begins in the file.
func (l Layout) Offset(i int64) int64 { return i * int64(l.ChunkSize) }

// Length returns the number of bytes in chunk i, or 0 if there is no such chunk.
func (l Layout) Length(i int64) int {
	if i < 0 || i >= l.Chunks() {
		return 0
	}
	return int(min(int64(l.ChunkSize), l.Size-l.Offset(i)))
}

// Last reports whether chunk i ends the file.
func (l Layout) Last(i int64) bool { return i == l.Chunks()-1 }

// FitChunk returns the chunk size for a receiver's proposal (0: none) on a connection whose messages hold maxPayload
// bytes, headers included. A chunk of that size can always be published.
func FitChunk(proposed int, maxPayload int64) int {
	const headroom = 1024 // for headers, should a frame ever have any
	if proposed <= 0 {
		proposed = DefaultChunk
	}
	size := min(int64(proposed), MaxChunk, maxPayload-Overhead-headroom)
	return int(max(size, MinChunk))
}
