package client

import (
	"time"

	"natster/workloads/catalog"
)

// A Phase is what a download does with the file that it reports on.
type Phase int

// The phases.
const (
	Receiving Phase = iota
	Checking        // reads what is on the disk already: fast, and not the network's speed
	Waiting         // for the owner, who does not answer; the download goes on when the owner is back
)

// Progress is how far a download is. Bytes that were on the disk before count as done, but not as received.
type Progress struct {
	Path             string // the file that this is about
	Phase            Phase
	Done, Size       int64 // of that file, in bytes
	Complete         bool  // that file is whole and has its name
	AllDone, All     int64 // of all files, in bytes
	Received         int64 // of all files, over the network by this download
	FilesDone, Files int
}

// A Result says what a download did, also if it failed.
type Result struct {
	Files   int   // whole and verified
	Skipped int   // of them, were there before
	Resumed int   // of them, continued from what an earlier download left
	Bytes   int64 // received

	// Orphans are unfinished files of earlier downloads, in the directories of this one, that the catalog as it is now
	// does not continue: their files are gone, have changed, or are another catalog's. A person must decide about them.
	Orphans []string
}

// A meter reports how far one file is.
type meter struct {
	d    *download
	e    catalog.Entry
	done int64 // bytes of the file that are there; only its own goroutine writes it
}

// received reports that done bytes are there, n of which have just arrived.
func (m *meter) received(done int64, n int) { m.report(done, Receiving, Result{Bytes: int64(n)}) }

// checking reports that done bytes on the disk have been read.
func (m *meter) checking(done int64) { m.report(done, Checking, Result{}) }

// waiting reports that the owner does not answer.
func (m *meter) waiting() { m.report(m.done, Waiting, Result{}) }

// complete reports that the file is whole, and counts it and r.
func (m *meter) complete(r Result) {
	r.Files = 1
	m.report(m.e.Size, Receiving, r)
}

// checked notes how many of the bytes on the disk are of use.
func (m *meter) checked(done int64) {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	m.d.p.AllDone += done - m.done
	m.done = done
}

// report adds more to the result and calls Progress, unless it was called a moment ago and this report can wait.
func (m *meter) report(done int64, phase Phase, more Result) {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	r, p := &m.d.result, &m.d.p
	p.AllDone += done - m.done
	m.done = done
	r.Files, r.Skipped, r.Resumed = r.Files+more.Files, r.Skipped+more.Skipped, r.Resumed+more.Resumed
	r.Bytes += more.Bytes
	p.Path, p.Phase, p.Done, p.Size, p.Complete = m.e.Path, phase, done, m.e.Size, more.Files > 0
	p.Received, p.FilesDone = r.Bytes, r.Files
	now := time.Now()
	if m.d.o.Progress != nil && (p.Complete || phase == Waiting || now.Sub(m.d.reported) > 100*time.Millisecond) {
		m.d.reported = now
		m.d.o.Progress(*p)
	}
}
