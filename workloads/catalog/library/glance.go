package library

import (
	"fmt"
	"slices"
	"time"

	"natster/internal/supervise"
)

// A glance is how Follow notices that a disk went or came back: no system tells of that where it tells of files. It
// costs a look at the directory, at each mount point in it, and at one file of each part that is away.
type glance struct {
	shortest time.Duration
	wait     time.Duration // until the next
	timer    *time.Timer
	seen     chan glanced
	running  bool
	said     []Away // what was logged
	vain     bool   // something seemed to be back, and no look has found it yet
}

type glanced struct{ disks, back bool }

// vainly is the longest that a part is left alone that seems to be back and is not.
const vainly = 5 * time.Minute

func newGlance(shortest time.Duration) glance {
	return glance{shortest: shortest, wait: shortest, timer: time.NewTimer(shortest), seen: make(chan glanced, 1)}
}

// start looks in a goroutine of its own: a file system that hangs must not hold up anything else.
func (g *glance) start(l *Library) {
	g.running = true
	go func() {
		var err error // a panic, which is logged: nothing was seen
		var s glanced
		defer func() { g.seen <- s }()
		defer supervise.Contain(l.cfg.Logger, &err)
		s.disks, s.back = l.glance()
	}()
}

// take tells whether everything must be looked at, and when the next glance is due.
func (g *glance) take(s glanced) bool {
	g.running = false
	switch {
	case s.disks:
		g.wait = g.shortest
	case s.back:
		g.vain = true
	case g.wait < 5*g.shortest:
		g.wait = min(2*g.wait, 5*g.shortest)
	}
	g.timer.Reset(g.wait)
	return s.disks || s.back
}

// looked tells the owner what is away since the last look, and what is back.
func (g *glance) looked(l *Library, all bool) {
	away := l.Away()
	log := l.cfg.Logger.With("catalog", l.Name())
	changed := false
	for _, a := range away {
		if !slices.ContainsFunc(g.said, func(b Away) bool { return a.Path == b.Path && a.Why == b.Why }) {
			changed = true
			log.Warn("library: files are away", "what", fmt.Sprintf("%s: %s", l.at(a.Path), a.kept()))
		}
	}
	for _, b := range g.said {
		if !slices.ContainsFunc(away, func(a Away) bool { return a.Path == b.Path }) {
			changed = true
			log.Info("library: files are back", "what", l.at(b.Path))
		}
	}
	g.said = away
	switch {
	case changed:
		g.wait = g.shortest
		if !g.running {
			g.timer.Reset(g.wait)
		}
	case g.vain && all:
		g.wait = min(2*g.wait, vainly)
	}
	if all {
		g.vain = false
	}
}
