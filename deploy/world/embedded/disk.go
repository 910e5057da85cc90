package embedded

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dustin/go-humanize"

	"natster/functions/api"
)

// Free bytes on the world's disk. What is kept free is room for what was accepted and is not folded yet, for the
// server's own files, and for whatever else fills the disk between two looks.
const (
	minFree    = 16 << 20 // with less the world takes nothing new, and does not start
	resumeFree = 24 << 20 // with this much it does again

	lookEvery   = 250 * time.Millisecond // between two looks; one costs a microsecond
	reviveFirst = time.Second            // between two revivals of the server, at first
	reviveMax   = 30 * time.Second
)

// ErrNoRoom means that the world's disk is too full to start.
var ErrNoRoom = errors.New("the world's disk is full")

// A disk watches the disk of a world. While there is hardly any room on it the functions refuse what they would have to
// keep; and when the server could not write, it is started again as soon as it can.
type disk struct {
	config Config
	free   func() (uint64, error)
	errs   chan string // what the server could not write; one is enough
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

// checkSpace fails with ErrNoRoom when too little space is free to start. A file system that cannot say how full it is
// passes.
func (d *disk) checkSpace() error {
	free, err := d.free()
	if err == nil && free < minFree {
		return fmt.Errorf("%w: a world needs %s free on the disk of %s, and there are %s", ErrNoRoom,
			humanize.Bytes(minFree), d.config.Dir, humanize.Bytes(free))
	}
	return nil
}

// refuse returns why nothing new can be kept now, as callers see it; nil if it can.
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

// failed takes note of what the server could not write. It does not wait.
func (d *disk) failed(why string) {
	select {
	case d.errs <- why:
	default:
	}
}

// watch looks after the disk of w until stop.
func (d *disk) watch(w *World) {
	var ctx context.Context
	ctx, d.cancel = context.WithCancel(context.Background())
	d.ended.Go(func() {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for state := (diskState{}); ; {
			select {
			case <-ctx.Done():
				return
			case why := <-d.errs:
				state.broken = why
			case <-tick.C:
			}
			d.look(ctx, w, &state)
		}
	})
}

// stop ends the watch and returns when it has ended.
func (d *disk) stop() {
	if d != nil && d.cancel != nil {
		d.cancel()
		d.ended.Wait()
	}
}

// A diskState is what the watch knows from one look to the next.
type diskState struct {
	full   bool
	broken string // why the server writes no more; empty if it does
	next   time.Time
	wait   time.Duration // until the next revival, should this one fail
}

func (d *disk) look(ctx context.Context, w *World, s *diskState) {
	free, err := d.free()
	if err != nil {
		free = resumeFree // whether there is room shows when the server writes
	}
	on := "on the disk of " + d.config.Dir
	switch {
	case !s.full && (free < minFree || s.broken != "" && free < resumeFree):
		s.full = true
		d.set(api.Errorf(api.ErrFull,
			"the world's disk is full: free %[2]s on it (%[1]s are); until then nothing new is kept",
			humanize.Bytes(free), humanize.Bytes(resumeFree)))
		d.config.notify(
			fmt.Sprintf("the disk is full: %s free %s, so nothing new is kept; downloads go on", humanize.Bytes(free), on),
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
		s.wait = min(max(2*s.wait, reviveFirst), reviveMax)
		s.next = time.Now().Add(s.wait)
		if err := w.revive(ctx); err != nil {
			d.config.Logger.Error("the NATS server does not start again", "err", err)
			return
		}
		d.drainErrors()
	}
	*s = diskState{next: s.next, wait: s.wait}
	d.set(nil)
	d.config.notify(fmt.Sprintf("%s are free %s: the world goes on", humanize.Bytes(free), on), "")
}

// drainErrors forgets what the server before this one could not write.
func (d *disk) drainErrors() {
	select {
	case <-d.errs:
	default:
	}
}

// revive stops the server, which has had an error that it does not forget, and starts another in its place: at the same
// addresses, over the same data. The functions come back by themselves, and so do other connections.
func (w *World) revive(ctx context.Context) error {
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
	return w.functions.provision(ctx, w)
}
