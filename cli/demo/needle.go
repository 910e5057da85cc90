package demo

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
)

// How long the pieces are that a needle knows, and how many there are at most.
const (
	pieceSize  = 32
	mostPieces = 1 << 20
)

// A needle finds pieces of known files in messages: 32 bytes in a row, from every offset of the files, or from every
// nth where there are too many. A rolling hash stands for a piece; of 2^64 values, a false alarm is not to be expected.
type needle struct {
	pieces map[uint64]struct{}
	filter [1 << 16]uint64 // a bit for some hash of each piece, so that most offsets need no look at pieces
	out    uint64          // the factor of the byte that leaves a piece as the hash rolls on
	sample []byte          // the beginning of a file, to test with
}

func emptyNeedle() *needle {
	n := &needle{pieces: make(map[uint64]struct{}), out: 1}
	for range pieceSize - 1 {
		n.out *= rollingBase
	}
	return n
}

// newNeedle knows the files below dir that can be read.
func newNeedle(dir string) (*needle, error) {
	n := emptyNeedle()
	var total int64
	var files []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return nil // the catalog leaves it out too
		}
		if info, err := e.Info(); err == nil && info.Size() >= pieceSize {
			files, total = append(files, path), total+info.Size()
		}
		return nil
	})
	step := max(1, (total+mostPieces-1)/mostPieces)
	for _, f := range files {
		if err := n.add(f, step); err != nil {
			return nil, err
		}
	}
	return n, err
}

// add takes in every step-th piece of the file.
func (n *needle) add(path string, step int64) error {
	f, err := os.Open(path)
	if err != nil {
		return nil // the catalog leaves it out too
	}
	defer f.Close()
	buf := make([]byte, 256<<10)
	at, next := int64(0), int64(0)
	for {
		k, err := f.ReadAt(buf, at)
		if n.sample == nil && k >= 4*pieceSize {
			n.sample = append([]byte(nil), buf[:min(k, 16<<10)]...)
		}
		for ; next-at <= int64(k-pieceSize); next += step {
			n.know(buf[next-at:][:pieceSize])
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read what is shared: %w", err)
		}
		at += int64(k - pieceSize + 1)
	}
}

func (n *needle) know(piece []byte) {
	h := mix(rolled(piece))
	n.pieces[h] = struct{}{}
	n.filter[h>>48] |= 1 << (h >> 42 & 63)
}

func (n *needle) knows(h uint64) bool {
	if n.filter[h>>48]>>(h>>42&63)&1 == 0 {
		return false
	}
	_, is := n.pieces[h]
	return is
}

// count is how many pieces of files are in data.
func (n *needle) count(data []byte) (found int) {
	if len(data) < pieceSize {
		return 0
	}
	h := rolled(data[:pieceSize])
	for i := pieceSize; ; i++ {
		if n.knows(mix(h)) {
			found++
		}
		if i == len(data) {
			return found
		}
		h = (h-(uint64(data[i-pieceSize])+1)*n.out)*rollingBase + uint64(data[i]) + 1
	}
}

// rollingBase is the base of the polynomial that is a piece's hash.
const rollingBase = 0x9E3779B97F4A7C15

func rolled(piece []byte) (h uint64) {
	for _, b := range piece {
		h = h*rollingBase + uint64(b) + 1
	}
	return h
}

// mix spreads the hash over all bits: the high ones choose in the filter.
func mix(h uint64) uint64 {
	h ^= h >> 32
	h *= math.MaxUint64/3 - 2
	return h ^ h>>29
}
