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
	Waiting         // for the owner, who does not answer: the download goes on when that comes back
)

// Progress is how far a download is. Bytes that were there before count as done, but not as received.
type Progress struct {
	Path             string // the file that moved
	Phase            Phase
	Done, Size       int64 // of that file, in bytes
	Complete         bool  // that file is whole and has its name
	AllDone, All     int64 // of all files, in bytes
	Received         int64 // of all files, over the network by this download: what its speed is
	FilesDone, Files int
}

// Result is what a download did, also one that failed.
type Result struct {
	Files   int   // whole and verified now
	Skipped int   // of them, were there already
	Resumed int   // of them, continued from what an earlier download left
	Bytes   int64 // received

	// Orphans are unfinished files of earlier downloads, in the directories of this one, that the catalog as it is now does not
	// continue: of files that are gone or have changed, or of another catalog. What to do with them is for a person to say.
	Orphans []string
}

// meter is how far one file is.
type meter struct {
	d    *download
	e    catalog.Entry
	done int64
}

// at takes in that done bytes of the file are there, of which received have just come.
func (m *meter) at(done int64, received int) {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	m.d.result.Bytes += int64(received)
	m.tell(done, Receiving, false)
}

// checking takes in that so many bytes of what is there have been read.
func (m *meter) checking(done int64) {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	m.tell(done, Checking, false)
}

// checked takes in that done bytes of what is there are of use.
func (m *meter) checked(done int64) {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	m.d.p.AllDone += done - m.done
	m.done = done
}

// waiting takes in that nothing comes, since the owner does not answer.
func (m *meter) waiting() {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	m.tell(m.done, Waiting, true)
}

// complete takes in that the file is whole, and what more is to be counted.
func (m *meter) complete(r Result) {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	m.d.result.Files++
	m.d.result.Skipped += r.Skipped
	m.d.result.Resumed += r.Resumed
	m.d.p.FilesDone++
	m.d.p.Complete = true
	m.tell(m.e.Size, Receiving, true)
	m.d.p.Complete = false
}

// tell reports, now or when it is time again. The lock is held.
func (m *meter) tell(done int64, phase Phase, now bool) {
	p := &m.d.p
	p.Path, p.Phase, p.Done, p.Size, p.Received = m.e.Path, phase, done, m.e.Size, m.d.result.Bytes
	p.AllDone += done - m.done
	m.done = done
	if m.d.o.Progress == nil {
		return
	}
	if at := time.Now(); now || at.Sub(m.d.told) > 100*time.Millisecond {
		m.d.told = at
		m.d.o.Progress(*p)
	}
}
