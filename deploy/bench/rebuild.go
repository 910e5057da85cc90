package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"natster/events"
	"natster/functions/projection/logtest"
	"natster/functions/view"
)

// rebuild compares a rebuild of all projections with bare asynchronous key-value puts of as many documents of the same
// size, to a bucket that is persisted in the same way.
func rebuild(ctx context.Context, l *lab) (_ []Result, err error) {
	shape := logtest.Shape{Events: 1_000_000, Accounts: 200_000, Seed: 1}
	if l.quick {
		shape = logtest.Shape{Events: 20_000, Accounts: 4_000, Seed: 1}
	}
	w, err := startWorld(ctx, l, "rebuild")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.stop()) }()
	nc, err := w.admin(ctx)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	if err := fill(ctx, nc, shape.Log()); err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, l.natster, "admin", "rebuild", "--all", "--json", "--world", w.dir).Output()
	if err != nil {
		return nil, fmt.Errorf("natster admin rebuild: %w", err)
	}
	var done struct {
		Events    int     `json:"events"`
		Documents int     `json:"documents"`
		Seconds   float64 `json:"seconds"`
	}
	if err := json.Unmarshal(out, &done); err != nil {
		return nil, fmt.Errorf("natster admin rebuild: %w", err)
	}
	took := time.Duration(done.Seconds * float64(time.Second))

	size, err := documentSize(ctx, nc)
	if err != nil {
		return nil, err
	}
	bare, err := barePuts(ctx, nc, done.Documents, size)
	if err != nil {
		return nil, err
	}
	return []Result{
		{
			Measure: fmt.Sprintf("natster admin rebuild --all, %d events, %d documents, against as many bare puts", done.Events, done.Documents),
			Got:     brief(took), Floor: brief(bare),
			Ratio: ratio(bare, took), Target: 0.6,
		},
		{
			Measure: "rebuild, events a second",
			Got:     fmt.Sprintf("%.0f/s", perSecond(int64(done.Events), took)), Floor: "",
			Ratio: perSecond(int64(done.Events), took), Target: 50_000,
		},
	}, nil
}

// documentSize is the mean size of the projections' documents, in bytes.
func documentSize(ctx context.Context, nc *nats.Conn) (int, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return 0, err
	}
	var bytes, msgs uint64
	for _, b := range view.Projections() {
		s, err := js.Stream(ctx, b.Stream())
		if err != nil {
			return 0, err
		}
		state := s.CachedInfo().State
		bytes, msgs = bytes+state.Bytes, msgs+state.Msgs
	}
	const overhead = 100 // subject, sequence, time and checksum of a stored message, about
	return max(int(bytes/max(msgs, 1))-overhead, 1), nil
}

// barePuts puts n keys asynchronously, as a program without Natster would.
func barePuts(ctx context.Context, nc *nats.Conn, n, size int) (time.Duration, error) {
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(4096))
	if err != nil {
		return 0, err
	}
	bucket := view.Bucket{Name: "bare", Doc: "the floor"}
	if _, err := js.CreateStream(ctx, bucket.Config(1)); err != nil {
		return 0, err
	}
	value := make([]byte, size)
	start := time.Now()
	for i := range n {
		subject := bucket.Subject("1." + events.Hash{byte(i), byte(i >> 8), byte(i >> 16), 1}.String()[:56])
		if _, err := js.PublishAsync(subject, value, jetstream.WithStallWait(time.Minute)); err != nil {
			return 0, err
		}
	}
	select {
	case <-js.PublishAsyncComplete():
		return time.Since(start), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}
