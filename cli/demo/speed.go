package demo

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
)

// noise writes a file that nothing can compress.
func noise(path string, bytes int64) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], uint64(time.Now().UnixNano()))
	r := rand.NewChaCha8(seed)
	buf := make([]byte, 1<<20)
	for range bytes / int64(len(buf)) {
		_, _ = r.Read(buf) // never fails
		if _, err := f.Write(buf); err != nil {
			return err
		}
	}
	return f.Close()
}

// raw sends as many bytes from alice to bob, across the same accounts and import as media, and returns how long it
// took.
func (d *demo) raw(ctx context.Context, bytes int64) (time.Duration, error) {
	const message = 512 << 10
	const window = 32 // messages in flight: with more, the server would call the receiver a slow consumer
	alice, err := d.connect(ctx, "alice")
	if err != nil {
		return 0, err
	}
	defer alice.Close()
	bob, err := d.connect(ctx, "bob")
	if err != nil {
		return 0, err
	}
	defer bob.Close()
	known, err := d.world.Keeper().Enrol(ctx, "bob")
	if err != nil {
		return 0, err
	}
	noise, err := events.ParseCatalog("noise")
	if err != nil {
		return 0, err
	}
	came := make(chan struct{}, window)
	if _, err := bob.Subscribe(events.MediaSubject(events.Account{}, noise, "raw"),
		func(*nats.Msg) { came <- struct{}{} }); err != nil {
		return 0, err
	}
	if err := bob.Flush(); err != nil {
		return 0, err
	}
	subject, data := events.MediaSubject(known.Account, noise, "raw"), make([]byte, message)
	began := time.Now()
	for sent, received := int64(0), int64(0); received < bytes/message; {
		for ; sent < bytes/message && sent-received < window; sent++ {
			if err := alice.Publish(subject, data); err != nil {
				return 0, err
			}
		}
		select {
		case <-came:
			received++
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return time.Since(began), nil
}
