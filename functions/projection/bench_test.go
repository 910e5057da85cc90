//go:build unix

package projection_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"natster/events"
	"natster/functions"
	"natster/functions/projection"
	"natster/functions/view"
	"natster/internal/jet"
	"natster/internal/test/logtest"
)

// Targets: a rebuild of a million events of 200,000 accounts takes no longer than bare asynchronous puts of as many
// final documents divided by 0.6, and no longer than 20 s.
//
//	go test -run '^$' -bench Rebuild -benchtime 1x ./functions/projection

// filled is a server whose log has so many events, on a disk that is not synced: what is measured is the work.
func filled(b *testing.B, n int) (*nats.Conn, jetstream.JetStream) {
	b.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: b.TempDir(),
		NoLog: true, NoSigs: true})
	if err != nil {
		b.Fatal(err)
	}
	s.Start()
	b.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	nc, err := nats.Connect(s.ClientURL())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := js.CreateStream(b.Context(), logtest.Config()); err != nil {
		b.Fatal(err)
	}
	for _, bucket := range view.Projections() {
		if _, err := js.CreateStream(b.Context(), bucket.Config(1)); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := logtest.Fill(b.Context(), nc, logtest.Shape{Events: n, Accounts: n / 5, Seed: 1}.Log()); err != nil {
		b.Fatal(err)
	}
	return nc, js
}

func BenchmarkRebuild(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			nc, js := filled(b, n)
			var took, bare time.Duration
			for i := range b.N {
				var p projection.Progress
				var folded, wrote time.Time
				var foldedCPU time.Duration
				start, startCPU := time.Now(), cpu(b)
				err := projection.Rebuild(b.Context(), nc, func(now projection.Progress) {
					if now.Position == now.Last && folded.IsZero() {
						folded, foldedCPU = time.Now(), cpu(b)
					}
					if now.Written > p.Written {
						wrote = time.Now()
					}
					p = now
				}, all()...)
				if err != nil {
					b.Fatal(err)
				}
				took += time.Since(start)
				endCPU := cpu(b)
				bare += barePuts(b, js, i, p.Docs)
				bareCPU := cpu(b) - endCPU
				b.ReportMetric(float64(bareCPU)/float64(endCPU-startCPU), "cpu-of-bare-puts")
				b.ReportMetric((foldedCPU - startCPU).Seconds(), "cpu-s-fold")
				b.ReportMetric((endCPU - foldedCPU).Seconds(), "cpu-s-write")
				b.ReportMetric(float64(p.Docs), "docs")
				b.ReportMetric(folded.Sub(start).Seconds(), "s-fold")
				b.ReportMetric(wrote.Sub(folded).Seconds(), "s-write")
			}
			b.ReportMetric(float64(n)*float64(b.N)/took.Seconds(), "events/s")
			b.ReportMetric(bare.Seconds()/took.Seconds(), "of-bare-puts")
		})
	}
}

// cpu is the processor time that this process, server included, has taken: what is left of a measurement when others
// share the machine.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// barePuts is how long it takes to put n documents, as large as a share's, into a bucket like a projection's.
func barePuts(b *testing.B, js jetstream.JetStream, i, n int) time.Duration {
	b.Helper()
	bucket := view.Bucket{Name: fmt.Sprint("bare", n, "x", i)}
	if _, err := js.CreateStream(b.Context(), bucket.Config(1)); err != nil {
		b.Fatal(err)
	}
	async, err := jetstream.New(js.Conn(), jetstream.WithPublishAsyncMaxPending(4096))
	if err != nil {
		b.Fatal(err)
	}
	keys := make([]string, n)
	for i := range keys {
		keys[i] = bucket.Subject(view.DocKey(1,
			view.ShareByKey(logtest.Account(i/4), logtest.Catalog("catalog"+itoa(uint64(i))), logtest.Account(i))))
	}
	doc := fmt.Appendf(nil, `{"position":123456,"doc":{"from":%q,"to":%q,"catalog":"catalog12345"}}`,
		logtest.Account(1), logtest.Account(2))
	start := time.Now()
	for _, k := range keys {
		if _, err := async.PublishAsync(k, doc, jetstream.WithStallWait(time.Minute)); err != nil {
			b.Fatal(err)
		}
	}
	<-async.PublishAsyncComplete()
	took := time.Since(start)
	if err := js.DeleteStream(b.Context(), bucket.Stream()); err != nil {
		b.Fatal(err)
	}
	return took
}

// BenchmarkEvent is the cost of one event, from the append until all projections reflect it, by the length of the log.
func BenchmarkEvent(b *testing.B) {
	for _, n := range []int{1000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			nc, js := filled(b, n)
			if err := projection.Rebuild(b.Context(), nc, nil, all()...); err != nil {
				b.Fatal(err)
			}
			direct, err := jet.NewDirect(nc, jet.Own)
			if err != nil {
				b.Fatal(err)
			}
			views := view.NewReader(direct)
			start := uint64(n) + 1
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			for _, f := range projectors() {
				if _, err := js.CreateConsumer(b.Context(), events.LogStream, jetstream.ConsumerConfig{
					Durable: f.Name, AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 1,
					DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: start,
				}); err != nil {
					b.Fatal(err)
				}
				r, err := functions.NewRunner(f, functions.Config{Conn: nc, JetStream: jet.Own})
				if err != nil {
					b.Fatal(err)
				}
				ended := make(chan error, 1)
				go func() { ended <- r.Run(ctx) }()
				defer func() { <-ended }()
				defer cancel()
				<-r.Ready()
			}
			share := events.Event{Type: events.Shared, Time: logtest.Begin, Origin: logtest.Account(1),
				Target: logtest.Account(2)}
			i := 0
			for b.Loop() {
				i++
				share.ID, share.Catalog = fmt.Sprint("bench", i), logtest.Catalog(fmt.Sprint("bench", i))
				m, err := events.Encode(share)
				if err != nil {
					b.Fatal(err)
				}
				ack, err := js.PublishMsg(b.Context(), m)
				if err != nil {
					b.Fatal(err)
				}
				if err := projection.Settle(b.Context(), views, ack.Sequence, view.Projections()...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkBehind is how long all projections take to settle when they are so many events behind, beside a rebuild of
// all: the target is a few times that.
//
//	go test -run '^$' -bench Behind -benchtime 1x ./functions/projection
func BenchmarkBehind(b *testing.B) {
	for _, n := range []int{20_000, 200_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for range b.N {
				nc, js := filled(b, n)
				for _, f := range projectors() {
					if _, err := js.CreateConsumer(b.Context(), events.LogStream, jetstream.ConsumerConfig{
						Durable: f.Name, AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 1,
					}); err != nil {
						b.Fatal(err)
					}
				}
				direct, err := jet.NewDirect(nc, jet.Own)
				if err != nil {
					b.Fatal(err)
				}
				ctx, cancel := context.WithCancel(context.Background())
				start, startCPU := time.Now(), cpu(b)
				var running sync.WaitGroup
				for _, f := range projectors() {
					r, err := functions.NewRunner(f, functions.Config{
						Conn: nc, JetStream: jet.Own, Logger: slog.New(slog.DiscardHandler),
					})
					if err != nil {
						b.Fatal(err)
					}
					running.Go(func() { _ = r.Run(ctx) })
				}
				if err := projection.Settle(b.Context(), view.NewReader(direct), uint64(n),
					view.Projections()...); err != nil {
					b.Fatal(err)
				}
				took, tookCPU := time.Since(start), cpu(b)-startCPU
				cancel()
				running.Wait()
				start, startCPU = time.Now(), cpu(b)
				if err := projection.Rebuild(b.Context(), nc, nil, all()...); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(took.Seconds(), "s-behind")
				b.ReportMetric(time.Since(start).Seconds(), "s-rebuild")
				b.ReportMetric(tookCPU.Seconds(), "cpu-s-behind")
				b.ReportMetric((cpu(b) - startCPU).Seconds(), "cpu-s-rebuild")
				b.ReportMetric(float64(n)/took.Seconds(), "events/s")
			}
		})
	}
}
