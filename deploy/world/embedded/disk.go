package embedded

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/nats-io/nats.go"

	"natster/functions/api"
)

// Free bytes on the world's disk. They are kept for what was accepted and is not folded yet, for the server's own
// files, and for what other programs write between two checks.
const (
	minFree    = 16 << 20 // with less the world accepts nothing new, and does not start
	resumeFree = 24 << 20 // with this much it accepts again

	checkEvery   = 250 * time.Millisecond // a check costs a microsecond
	restartPause = time.Second            // between two restarts of the server, at first; then twice as long each time
	maxPause     = 30 * time.Second
)

// ErrDiskFull means that the world's disk is too full to start.
var ErrDiskFull = errors.New("the world's disk is full")

// A disk watches the disk of a world. While it has little free space the functions refuse what they would have to
// store; and when the server could not write, it is started again as soon as it can.
type disk struct {
	config Config
	free   func() (uint64, error)
	errs   chan string // errors of writing, from the server; one is enough
	cancel context.CancelFunc
	ended  sync.WaitGroup

	mu      sync.Mutex
	refusal error // what the functions answer; nil while all is well
}

func newDisk(c Config, free func() (uint64, error)) *disk {
	if free == nil {
		free = func() (uint64, error) { return freeSpace(c.Dir) }
	}
	return &disk{config: c, free: free, errs: make(chan string, 1)}
}

// checkSpace fails with ErrDiskFull when too little space is free to start. A file system that cannot say how full it
// is passes.
func (d *disk) checkSpace() error {
	free, err := d.free()
	if err == nil && free < minFree {
		return fmt.Errorf("%w: a world needs %s free on the disk of %s, and there are %s", ErrDiskFull,
			humanize.Bytes(minFree), d.config.Dir, humanize.Bytes(free))
	}
	return nil
}

// refuse returns the error for callers while nothing new can be stored; nil if it can.
func (d *disk) refuse() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.refusal
}

func (d *disk) set(refusal error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refusal = refusal
}

// failed records that the server could not write. It does not block.
func (d *disk) failed(why string) {
	select {
	case d.errs <- why:
	default:
	}
}

// watch checks the disk of w until stop.
func (d *disk) watch(w *World) {
	var ctx context.Context
	ctx, d.cancel = context.WithCancel(context.Background())
	d.ended.Go(func() {
		tick := time.NewTicker(checkEvery)
		defer tick.Stop()
		for state := (diskState{}); ; {
			select {
			case <-ctx.Done():
				return
			case why := <-d.errs:
				state.broken = why
			case <-tick.C:
			}
			d.check(ctx, w, &state)
		}
	})
}

// stop ends the watch and returns when it has ended.
func (d *disk) stop() {
	if d.cancel != nil {
		d.cancel()
		d.ended.Wait()
	}
}

// A diskState is what the watch knows from one check to the next.
type diskState struct {
	full   bool
	broken string        // why the server cannot write any more; empty if it can
	next   time.Time     // not before this time is the server started again
	pause  time.Duration // after the last start
}

func (d *disk) check(ctx context.Context, w *World, s *diskState) {
	free, err := d.free()
	if err != nil {
		free = resumeFree // whether there is enough shows when the server writes
	}
	on := "on the disk of " + d.config.Dir
	switch {
	case !s.full && (free < minFree || s.broken != "" && free < resumeFree):
		s.full = true
		d.set(api.Errorf(api.ErrFull,
			"the world's disk is full: free %[2]s on it (%[1]s are); until then nothing new is kept",
			humanize.Bytes(free), humanize.Bytes(resumeFree)))
		d.config.notify(
			fmt.Sprintf("the disk is full: %s free %s, so nothing new is kept; downloads go on",
				humanize.Bytes(free), on),
			fmt.Sprintf("make room until %s are free; the world then goes on by itself", humanize.Bytes(resumeFree)))
	case !s.full && s.broken != "" && d.refuse() == nil:
		d.set(api.Errorf(api.ErrFull, "the world could not write to its disk: nothing new is kept until it can"))
		d.config.notify(fmt.Sprintf("the world could not write %s: %s", on, s.broken),
			"look after the disk; the world tries again by itself")
	}
	if free < resumeFree || !s.full && s.broken == "" || time.Now().Before(s.next) {
		return
	}
	if s.broken != "" {
		s.pause = min(max(2*s.pause, restartPause), maxPause)
		s.next = time.Now().Add(s.pause)
		if err := w.restartServer(ctx); err != nil {
			d.config.Logger.Error("the NATS server does not start again", "err", err)
			return
		}
		select {
		case <-d.errs: // of the server before this one
		default:
		}
	}
	*s = diskState{next: s.next, pause: s.pause}
	d.set(nil)
	d.config.notify(fmt.Sprintf("%s are free %s: the world goes on", humanize.Bytes(free), on), "")
}

// restartServer stops the server, which after an error of writing does not write again, and starts another in its
// place: at the same addresses, over the same data. The functions and other clients reconnect by themselves.
func (w *World) restartServer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	old := w.running()
	old.Shutdown()
	old.WaitForShutdown()
	s, err := w.config.startServer(ctx, w.keeper, w.at, w.disk.failed)
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.server = s
	w.mu.Unlock()
	if len(w.functions.functions) == 0 {
		return nil
	}
	return w.functions.provision(ctx, w, func(*nats.Conn) {})
}
