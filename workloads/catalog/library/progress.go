package library

import (
	"sync"
	"time"
)

// Progress is how far a scan has come. Files and bytes that are known from before are not counted: they are not read.
type Progress struct {
	Path       string // the file being read
	Files      int    // files read so far,
	TotalFiles int    // of so many that must be read
	Bytes      int64
	TotalBytes int64 // an estimate: a file may grow or be read twice
	Done       bool  // the last call of this scan
}

// progressEvery is how often a scan reports: as often as a progress bar can be seen to move.
const progressEvery = 50 * time.Millisecond

// A meter counts for a progress report. Its methods may be called from several goroutines; report is called by one at a
// time.
type meter struct {
	report func(Progress)

	mu   sync.Mutex
	p    Progress
	last time.Time
}

// newMeter returns the meter of a scan that is to read so much, and reports its beginning.
func newMeter(report func(Progress), files int, bytes int64) *meter {
	m := &meter{report: report, p: Progress{TotalFiles: files, TotalBytes: bytes}, last: time.Now()}
	report(m.p)
	return m
}

// count adds what was read, of the file at path or all of it.
func (m *meter) count(path string, files int, bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.p.Files += files
	m.p.Bytes += bytes
	m.p.Path = path
	if now := time.Now(); now.Sub(m.last) >= progressEvery {
		m.last = now
		m.report(m.p)
	}
}

// done reports the end of the scan.
func (m *meter) done() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.p.Done, m.p.Path = true, ""
	m.report(m.p)
}
