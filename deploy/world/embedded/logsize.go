package embedded

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"natster/events"
)

// measureEvery is how often the log is measured, which takes a fraction of a millisecond. It grows by a few megabytes
// in that time, whatever all accounts do.
const measureEvery = 2 * time.Second

// A logSize watches how large the event log is. Nothing can be deleted from it, so a person has to know in time.
type logSize struct {
	cancel context.CancelFunc
	ended  sync.WaitGroup
}

// watch tells the operator of w that the log has more than most bytes: once for each start, and each time that it comes
// to have more. While the log cannot be measured, because the server starts again for instance, nothing is said.
func (l *logSize) watch(w *World, most int64) {
	var ctx context.Context
	ctx, l.cancel = context.WithCancel(context.Background())
	l.ended.Go(func() {
		tick := time.NewTicker(measureEvery)
		defer tick.Stop()
		var nc *nats.Conn
		defer func() { nc.Close() }() // nil, too
		for over := false; ; {
			if nc == nil || nc.IsClosed() {
				var err error
				if nc, err = w.Admin(ctx); err != nil {
					nc = nil
				}
			}
			if bytes, err := logBytes(ctx, nc); err == nil && bytes > most != over {
				over = !over
				if over {
					w.config.notify(tooLarge(bytes, most))
				}
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
}

func tooLarge(bytes, most int64) (happened, do string) {
	return fmt.Sprintf("the event log has %s, more than %s, the limit log_bytes of this world; nothing is refused",
			humanize.Bytes(uint64(bytes)), humanize.Bytes(uint64(most))),
		"see whether the disk has room for it, and raise the limit: natster admin limits log_bytes=N"
}

// stop ends the watch and returns when it has ended.
func (l *logSize) stop() {
	if l.cancel != nil {
		l.cancel()
		l.ended.Wait()
	}
}

// logBytes asks how many bytes the log has. (The server's own monitoring in the process would tell, too, but reads
// accounts while they change.)
func logBytes(ctx context.Context, nc *nats.Conn) (int64, error) {
	if nc == nil {
		return 0, nats.ErrConnectionClosed
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	log, err := js.Stream(ctx, events.LogStream)
	if err != nil {
		return 0, err
	}
	return int64(log.CachedInfo().State.Bytes), nil
}
