package library

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"natster/events"
	"natster/workloads/catalog"
)

// ErrDirectory is wrapped by errors about a catalog's directory that is missing, or is not a directory.
var ErrDirectory = errors.New("the catalog's directory cannot be opened")

// ErrElsewhere says that the catalog file is about another directory now: its owner removed the catalog and made one of
// the same name. The library does not write it any more; its server must open it anew.
var ErrElsewhere = errors.New("the catalog file is about another directory now")

// Config says which catalog to open. Only a directory is needed, and a name unless File exists.
type Config struct {
	// Dir is the directory that the catalog lists. Empty: as the catalog file says.
	Dir string

	// File is where the catalog is kept between runs; it is made when it does not exist, and never listed itself.
	// Empty: nowhere, every Open begins with nothing.
	File string

	// Private are directories that are never listed, wherever they lie below Dir, and that Dir may not be in: keys and
	// credentials.
	Private []string

	// Name and Description are those of a new catalog. A Name that is not the one in File is refused.
	Name        events.Catalog
	Description string

	// Quiet is how long a file must be left alone before Follow reads it. Default: one second.
	Quiet time.Duration

	// DiskCheck is how soon Follow checks whether a disk that is away is back; from then on less and less often, at
	// last every five times this, and so often whether one that is there has gone. Default: one second.
	DiskCheck time.Duration

	// Rescan is how often Follow looks at everything when the system cannot report all changes. When it can, Follow
	// still does so at ten times this interval, for changes that no system reports (those that other machines make on a
	// network file system). Default: 30 seconds.
	Rescan time.Duration

	// Progress, if not nil, is called with how far a scan is, by one goroutine at a time, about 20 times a second. It
	// must not block.
	Progress func(Progress)

	// Logger logs what goes wrong. Default: nothing is logged.
	Logger *slog.Logger

	hooks hooks
}

func (c Config) withDefaults() Config {
	if c.Quiet <= 0 {
		c.Quiet = time.Second
	}
	if c.DiskCheck <= 0 {
		c.DiskCheck = time.Second
	}
	if c.Rescan <= 0 {
		c.Rescan = 30 * time.Second
	}
	if c.Progress == nil {
		c.Progress = func(Progress) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.hooks = c.hooks.withDefaults()
	return c
}

// A Library is the directory of one catalog. Its methods may be called concurrently: reading never waits for a scan.
type Library struct {
	cfg  Config
	dir  string // absolute
	file string // absolute, or empty
	self string // file relative to dir, if it lies there

	snap atomic.Pointer[snapshot]

	work     sync.Mutex // held while the next snapshot is made; guards what follows
	saved    stamp      // of the catalog file as we last read or wrote it; zero: there is none
	unsaved  bool       // snap is not in the file
	accepted bool       // by another process ([Library.ScanAccepting]): look at everything
	moved    atomic.Bool
	departed departed

	followed atomic.Bool
	degraded atomic.Pointer[error]
	suspects chan string // paths that a reader found to be other than listed, for Follow to look at
}

// Open opens the catalog that c describes, as its file has it; it does not look through the directory, see
// [Library.Scan]. Only a catalog without a file needs its directory to be there. The error wraps [ErrCatalogFile] or
// [ErrDirectory] where it is about those, [ErrPrivate] where the directory may not be listed.
func Open(ctx context.Context, c Config) (*Library, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	const suspects = 1000 // more is for a look at everything, which a disk that went has soon
	l := &Library{cfg: c.withDefaults(), dir: c.Dir, suspects: make(chan string, suspects)}
	doc := document{name: c.Name, description: catalog.CleanDescription(c.Description), revision: nextRevision(0)}
	known := false
	if c.File != "" {
		file, err := filepath.Abs(c.File)
		if err != nil {
			return nil, fmt.Errorf("library: %w", err)
		}
		if parent, err := filepath.EvalSymlinks(filepath.Dir(file)); err == nil {
			file = filepath.Join(parent, filepath.Base(file)) // events name it so
		}
		l.file = file
		d, at, err := readDocument(file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			l.unsaved = true
		case err != nil:
			return nil, fmt.Errorf("library: %w", err)
		case !c.Name.IsZero() && c.Name != d.name:
			return nil, fmt.Errorf("library: %s: %w: it is the file of catalog %q, not of %q", file, ErrCatalogFile,
				d.name, c.Name)
		default:
			doc, l.saved, known = d, at, true
			if l.dir == "" {
				l.dir = d.directory
			}
		}
	}
	if doc.name.IsZero() {
		return nil, errors.New("library: a new catalog needs a name")
	}
	if l.dir == "" {
		return nil, fmt.Errorf("library: catalog %q: %w: none is given", doc.name, ErrDirectory)
	}
	if err := c.refusePrivate(l.dir); err != nil {
		return nil, fmt.Errorf("library: %w", err)
	}
	if err := l.findDir(); err != nil && !known {
		return nil, fmt.Errorf("library: catalog %q: %w", doc.name, err)
	}
	l.snap.Store(newSnapshot(doc, sight{}))
	return l, nil
}

// findDir makes dir absolute and, if it is there, free of symbolic links, and returns an error unless it is a
// directory.
func (l *Library) findDir() error {
	dir, err := filepath.Abs(l.dir)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDirectory, err)
	}
	real, err := filepath.EvalSymlinks(dir) // the watches name real directories
	if err == nil {
		dir = real
	}
	l.dir = dir
	if l.file != "" {
		if rel, err := filepath.Rel(dir, l.file); err == nil && filepath.IsLocal(rel) {
			l.self = filepath.ToSlash(rel)
		}
	}
	root, err := l.openDir()
	if err == nil {
		err = root.Close()
	}
	return err
}

// openDir opens the directory for a while: nothing is kept open when nothing is read, so that a disk can be unmounted.
func (l *Library) openDir() (*os.Root, error) {
	root, err := os.OpenRoot(l.dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDirectory, err)
	}
	return root, nil
}

// Name is the catalog's name.
func (l *Library) Name() events.Catalog { return l.snap.Load().name }

// Dir is the directory, absolute.
func (l *Library) Dir() string { return l.dir }

// Elsewhere reports whether the catalog file is about another directory, see [ErrElsewhere].
func (l *Library) Elsewhere() bool { return l.moved.Load() }

// Contents is what the catalog lists now. The entries are shared with every other caller: do not change them.
func (l *Library) Contents() catalog.Contents { return l.snap.Load().contents() }

// Revision grows whenever the contents change, and never falls, not even across restarts. It is at least the time of
// the change in Unix seconds, as an original's is.
func (l *Library) Revision() int64 { return l.snap.Load().revision }

// Skipped lists what the last look at the directory left out, and why, sorted by path. Do not change it.
func (l *Library) Skipped() []Skipped { return l.snap.Load().skipped }

// Changes returns a channel that is closed at the next change of Contents, Revision or Skipped. To miss none, take the
// channel before looking.
func (l *Library) Changes() <-chan struct{} { return l.snap.Load().changed }

// Degraded is nil while the system reports every change to Follow. Otherwise it says why not and what the owner can do
// about it, and Follow looks at everything from time to time instead.
func (l *Library) Degraded() error {
	if err := l.degraded.Load(); err != nil {
		return *err
	}
	return nil
}

// Hash returns the first entry with content h.
func (l *Library) Hash(h events.Hash) (catalog.Entry, bool) {
	s := l.snap.Load()
	idx := s.withHash(h)
	if len(idx) == 0 {
		return catalog.Entry{}, false
	}
	return s.entries[idx[0]], true
}

// Describe sets the description of the entry that what names, see [catalog.Contents.Find], or of the catalog if what is
// empty.
func (l *Library) Describe(what, text string) error {
	l.work.Lock()
	defer l.work.Unlock()
	prev, err := l.adoptEdits()
	if err != nil {
		return err
	}
	doc := prev.full()
	text = catalog.CleanDescription(text)
	if what == "" {
		doc.description = text
	} else {
		e, err := prev.contents().Find(what)
		if err != nil {
			return err
		}
		i, _ := prev.at(e.Path)
		doc.records[i].Description = text
	}
	return l.publish(doc, prev.sight, listed)
}

// difference is what sets a snapshot apart from the one before.
type difference byte

const (
	none   difference = iota
	inside            // only what a rescan must know: the file is written, the revision stays
	listed            // what the catalog lists
)

// publish writes the catalog file and then makes doc the library's present: no reader sees a revision that a restart
// would not know. If the file cannot be written the change holds all the same, and the next one tries again.
func (l *Library) publish(doc document, seen sight, d difference) error {
	next := l.next(doc, seen, d)
	err := l.save(next)
	l.show(next)
	return err
}

// next is the snapshot that follows, or the present one if there is no difference.
func (l *Library) next(doc document, seen sight, d difference) *snapshot {
	now := l.snap.Load()
	if d == none && now.equal(seen) {
		return now
	}
	if d == listed {
		doc.revision = nextRevision(doc.revision)
	}
	l.unsaved = l.unsaved || d != none
	return newSnapshot(doc, seen)
}

func (l *Library) show(next *snapshot) {
	if was := l.snap.Swap(next); was != next {
		close(was.changed)
	}
}

func nextRevision(last int64) int64 { return max(last+1, time.Now().Unix()) }

func (l *Library) save(s *snapshot) error {
	if l.file == "" || !l.unsaved || l.removed() {
		return nil
	}
	at, err := writeDocument(l.file, l.dir, s)
	if err != nil {
		return fmt.Errorf("library: %w", err)
	}
	l.saved, l.unsaved = at, false
	return nil
}

// removed reports whether the catalog file was removed while the library is followed, which is how an owner removes a
// catalog that is served: then it stays removed. A scan that is asked for writes it anew.
func (l *Library) removed() bool {
	return l.followed.Load() && l.saved != stamp{} && fileStamp(l.file) == stamp{}
}

// adoptEdits takes over what the owner or another process wrote into the catalog file since we last touched it:
// descriptions, and that what is away is gone. It returns the snapshot to continue from. A file that became unreadable
// is an error: it is the owner's, and not overwritten.
func (l *Library) adoptEdits() (*snapshot, error) {
	prev := l.snap.Load()
	if l.file == "" {
		return prev, nil
	}
	switch fileStamp(l.file) {
	case l.saved:
		return prev, nil
	case stamp{}:
		l.unsaved = true
		return prev, nil
	}
	d, at, err := readDocument(l.file)
	if err != nil {
		return prev, fmt.Errorf("library: the catalog file was edited: %w (mend it, or remove it to have it written "+
			"anew)", err)
	}
	moved := d.directory != "" && d.directory != l.dir
	if l.moved.Store(moved); moved {
		return prev, fmt.Errorf("library: catalog %q: %w: %s", l.Name(), ErrElsewhere, d.directory)
	}
	l.saved = at
	doc, edited := prev.full(), none
	if d.description != doc.description || d.image != doc.image {
		doc.description, doc.image, edited = d.description, d.image, listed
	}
	kept := doc.records[:0]
	for _, r := range doc.records {
		at, ok := slices.BinarySearchFunc(d.records, r.Path,
			func(r record, p string) int { return strings.Compare(r.Path, p) })
		switch {
		case ok && d.records[at].Description != r.Description:
			r.Description, edited = d.records[at].Description, listed
		case !ok && slices.ContainsFunc(prev.away, func(a Away) bool { return a.covers(prev.disks, r.Path) }):
			edited, l.accepted = listed, true // ScanAccepting, by another process
			continue
		}
		kept = append(kept, r)
	}
	doc.records = kept
	if edited == listed {
		doc.revision = max(doc.revision, d.revision)
		l.show(l.next(doc, prev.sight, edited)) // the caller saves it
	}
	return l.snap.Load(), nil
}
