package library

import (
	"fmt"
	"slices"
	"time"

	"natster/internal/supervise"
)

// A diskCheck is how Follow notices that a disk was unmounted or mounted, which no system reports as it reports changes
// of files. One check costs a look at the directory, at each mount point in it, and at one file of each part that is
// away.
type diskCheck struct {
	shortest time.Duration
	wait     time.Duration // until the next
	timer    *time.Timer
	done     chan checked
	running  bool
	logged   []Away
	vain     bool // something seemed to be back, and no look has found it yet
}

// checked is the outcome: a disk came or went; something that is away seems to be back.
type checked struct{ disks, back bool }

// longestWait bounds the wait after a part seemed to be back and was not.
const longestWait = 5 * time.Minute

func newDiskCheck(shortest time.Duration) diskCheck {
	return diskCheck{shortest: shortest, wait: shortest, timer: time.NewTimer(shortest), done: make(chan checked, 1)}
}

// start checks in a goroutine of its own: a file system that hangs must not hold up anything else.
func (d *diskCheck) start(l *Library) {
	d.running = true
	go func() {
		var err error // a panic, which is logged: nothing was seen
		var c checked
		defer func() { d.done <- c }()
		defer supervise.Contain(l.cfg.Logger, &err)
		c = l.checkDisks()
	}()
}

// checkDisks finds out, without a look at all files, whether everything must be looked at.
func (l *Library) checkDisks() checked {
	s := l.snap.Load()
	for p, seen := range s.seen {
		if l.diskAt(p) != seen {
			return checked{disks: true}
		}
	}
	return checked{back: slices.ContainsFunc(s.away, l.seemsBack)}
}

// take reports whether everything must be looked at, and sets when the next check is due.
func (d *diskCheck) take(c checked) bool {
	d.running = false
	switch {
	case c.disks:
		d.wait = d.shortest
	case c.back:
		d.vain = true
	default:
		d.wait = max(d.wait, min(2*d.wait, 5*d.shortest))
	}
	d.timer.Reset(d.wait)
	return c.disks || c.back
}

// looked logs what is away since the last look, and what is back, and sets when the next check is due.
func (d *diskCheck) looked(l *Library, all bool) {
	away := l.Away()
	log := l.cfg.Logger.With("catalog", l.Name())
	changed := false
	for _, a := range away {
		if !slices.ContainsFunc(d.logged, func(b Away) bool { return a.Path == b.Path && a.Why == b.Why }) {
			changed = true
			log.Warn("library: files are away", "what", fmt.Sprintf("%s: %s", l.at(a.Path), a.kept()))
		}
	}
	for _, b := range d.logged {
		if !slices.ContainsFunc(away, func(a Away) bool { return a.Path == b.Path }) {
			changed = true
			log.Info("library: files are back", "what", l.at(b.Path))
		}
	}
	d.logged = away
	switch {
	case changed:
		d.wait = d.shortest
		if !d.running {
			d.timer.Reset(d.wait)
		}
	case d.vain && all:
		d.wait = min(2*d.wait, longestWait)
	}
	if all {
		d.vain = false
	}
}
