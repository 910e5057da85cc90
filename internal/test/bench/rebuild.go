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

	"natster/functions/view"
	"natster/internal/jet"
	"natster/internal/test/logtest"
)

// rebuild compares a rebuild of all projections with bare asynchronous key-value puts of the documents that come of it,
// to a bucket that is persisted in the same way.
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

	docs, err := documents(ctx, nc)
	if err != nil {
		return nil, err
	}
	bare, err := barePuts(ctx, nc, docs)
	if err != nil {
		return nil, err
	}
	return []Result{
		{
			Measure: fmt.Sprintf("natster admin rebuild --all, %d events, %d documents, against as many bare puts",
				done.Events, done.Documents),
			Got: brief(took), Floor: brief(bare),
			Ratio: ratio(bare, took), Target: 0.6,
		},
		{
			Measure: "rebuild, events a second",
			Got:     fmt.Sprintf("%.0f/s", perSecond(int64(done.Events), took)), Floor: "",
			Ratio: perSecond(int64(done.Events), took), Target: 50_000,
		},
	}, nil
}

// documents are all documents of the projections, each under its bucket's name and its key.
func documents(ctx context.Context, nc *nats.Conn) ([]view.Found, error) {
	direct, err := jet.NewDirect(nc, jet.Own)
	if err != nil {
		return nil, err
	}
	views := view.NewReader(direct)
	var all []view.Found
	for _, b := range view.Projections() {
		s, err := views.Read(ctx, b, 0)
		if err != nil {
			return nil, err
		}
		for from := uint64(1); from != 0; {
			var page []view.Found
			if page, from, err = views.Page(ctx, b, s.Generation, ">", from, 4096); err != nil {
				return nil, err
			}
			for _, d := range page {
				d.Key = b.Name + "." + d.Key
				all = append(all, d)
			}
		}
	}
	return all, direct.Close()
}

// barePuts puts the documents asynchronously, as a program without Natster would.
func barePuts(ctx context.Context, nc *nats.Conn, docs []view.Found) (time.Duration, error) {
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(4096))
	if err != nil {
		return 0, err
	}
	bucket := view.Bucket{Name: "bare", Doc: "the floor"}
	if _, err := js.CreateStream(ctx, bucket.Config(1)); err != nil {
		return 0, err
	}
	start := time.Now()
	for _, d := range docs {
		if _, err := js.PublishAsync(bucket.Subject(d.Key), d.Value, jetstream.WithStallWait(time.Minute)); err != nil {
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
