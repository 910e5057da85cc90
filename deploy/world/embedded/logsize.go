package embedded

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/nats-io/nats-server/v2/server"

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
// to have more.
func (l *logSize) watch(w *World, most int64) {
	var ctx context.Context
	ctx, l.cancel = context.WithCancel(context.Background())
	l.ended.Go(func() {
		tick := time.NewTicker(measureEvery)
		defer tick.Stop()
		for over := false; ; {
			bytes := w.logBytes()
			if large := bytes > most; large != over {
				over = large
				if large {
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

// logBytes returns how many bytes the log has; 0 while the server that has it does not run.
func (w *World) logBytes() int64 {
	account := w.keeper.WellKnown().Data.String()
	data, err := w.running().JszAccount(&server.JSzOptions{Account: account, Streams: true})
	if err != nil {
		return 0
	}
	for _, s := range data.Streams {
		if s.Name == events.LogStream {
			return int64(s.State.Bytes)
		}
	}
	return 0
}
