package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sync"

	"github.com/nats-io/nats.go"

	"natster/deploy/accounts"
	"natster/events"
)

// A tap hears every message in alice's account, which is what the server itself sees of her transfers, and looks for the
// plaintext of her files in each.
type tap struct {
	nc     *nats.Conn
	needle *needle
	ended  chan struct{}

	mu         sync.Mutex
	messages   int
	bytes      int64
	media      int64 // bytes in media messages
	searched   int64 // bytes looked at, up to mostSearched
	plaintext  int   // pieces of files found in them
	inTheClear int   // pieces found in what was sent in the clear on purpose
}

// mostSearched is how many bytes a tap looks at: more would only keep the demo waiting.
const mostSearched = 128 << 20

// Subjects of the tap's own.
const (
	tapClear = "demo.clear" // something in the clear, to see that the tap would find it
	tapEnd   = "demo.end"   // after this message all that was sent before it has been heard
)

// tap puts a tap on alice's account, looking for the files in dir.
func (d *demo) tap(ctx context.Context, dir string) (*tap, error) {
	nc, err := d.connect(ctx, "alice")
	if err != nil {
		return nil, err
	}
	t := &tap{nc: nc, ended: make(chan struct{})}
	if t.needle, err = newNeedle(dir); err == nil {
		var sub *nats.Subscription
		if sub, err = nc.Subscribe(">", t.hear); err == nil {
			err = sub.SetPendingLimits(-1, -1) // what is heard is what is downloaded; the search takes longer than that
		}
	}
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	return t, nil
}

// connect connects inside the process as the owner of an account of the demo.
func (d *demo) connect(ctx context.Context, name string) (*nats.Conn, error) {
	enrolled, err := d.world.Keeper().Enrol(ctx, name)
	if err != nil {
		return nil, err
	}
	return d.world.Info().Connect(ctx, accounts.Creds(enrolled.Creds), nats.Name("demo"))
}

func (t *tap) hear(m *nats.Msg) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch m.Subject {
	case tapEnd:
		close(t.ended)
	case tapClear:
		t.inTheClear += t.needle.count(m.Data)
	default:
		t.messages++
		t.bytes += int64(len(m.Data))
		if events.IsMedia(m.Subject) {
			t.media += int64(len(m.Data))
		}
		if t.searched += int64(len(m.Data)); t.searched <= mostSearched {
			t.plaintext += t.needle.count(m.Data)
		}
	}
}

// end takes the tap away after it has heard everything so far, and sample in the clear.
func (t *tap) end(ctx context.Context, sample []byte) error {
	defer t.nc.Close()
	for subject, data := range map[string][]byte{tapClear: sample} {
		if err := t.nc.Publish(subject, data); err != nil {
			return err
		}
	}
	if err := t.nc.Publish(tapEnd, nil); err != nil {
		return err
	}
	select {
	case <-t.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Pieces of files that a needle knows: this many bytes each, and at most so many of them.
const (
	pieceSize  = 32
	mostPieces = 1 << 20
)

// A needle finds pieces of known files in messages: 32 bytes in a row, from every offset of the files, or from every nth
// where there are too many. A rolling hash stands for a piece; of 2^64 values, a false alarm is not to be expected.
type needle struct {
	pieces map[uint64]struct{}
	filter [1 << 16]uint64 // a bit for some hash of each piece, so that most offsets need no look at pieces
	out    uint64          // what the byte that leaves a piece as the hash rolls on was multiplied by
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

// rollingBase is what a piece's hash is a polynomial in.
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
