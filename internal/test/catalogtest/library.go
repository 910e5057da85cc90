package catalogtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"natster/events"
	"natster/workloads/catalog"
	"natster/workloads/catalog/server"
)

// A Library is files in memory, a [server.Library].
type Library struct {
	name events.Catalog

	mu       sync.Mutex
	revision int64
	entries  []catalog.Entry
	content  map[events.Hash]*memFile
	changed  chan struct{}
	opened   int
}

// NewLibrary returns an empty library.
func NewLibrary(name events.Catalog) *Library {
	return &Library{name: name, revision: 1, content: make(map[events.Hash]*memFile), changed: make(chan struct{})}
}

// Content returns n bytes that look like nothing, the same for the same seed.
func Content(n int, seed byte) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// Add lists a file.
func (l *Library) Add(path string, content []byte) catalog.Entry {
	return l.AddEntry(catalog.Entry{Path: path, MIMEType: "video/mp4", Size: int64(len(content)),
		Hash: sha256.Sum256(content)}, content)
}

// AddEntry lists a file as e says, whether or not that is so.
func (l *Library) AddEntry(e catalog.Entry, content []byte) catalog.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(slices.Clone(l.entries), e)
	slices.SortFunc(l.entries, func(a, b catalog.Entry) int { return strings.Compare(a.Path, b.Path) })
	l.content[e.Hash] = &memFile{Reader: bytes.NewReader(content), library: l, size: e.Size}
	l.bump()
	return e
}

// Replace puts other content in the place of the file at path.
func (l *Library) Replace(path string, content []byte) catalog.Entry {
	l.mu.Lock()
	l.entries = slices.DeleteFunc(slices.Clone(l.entries), func(e catalog.Entry) bool {
		if e.Path == path {
			delete(l.content, e.Hash)
		}
		return e.Path == path
	})
	l.mu.Unlock()
	return l.Add(path, content)
}

// Change makes reading the file with content h fail as changed from now on.
func (l *Library) Change(h events.Hash) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.content[h].changed = true
}

// OnRead calls f before each read of the file with content h; an error is what the read gives.
func (l *Library) OnRead(h events.Hash, f func(off int64) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.content[h].onRead = f
}

func (l *Library) bump() {
	l.revision++
	close(l.changed)
	l.changed = make(chan struct{})
}

// Open is the number of files that are open.
func (l *Library) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.opened
}

// Name is the catalog's.
func (l *Library) Name() events.Catalog { return l.name }

// Contents is what was added.
func (l *Library) Contents() catalog.Contents {
	l.mu.Lock()
	defer l.mu.Unlock()
	return catalog.Contents{Name: l.name, Revision: l.revision, Entries: l.entries}
}

// Revision counts the changes.
func (l *Library) Revision() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.revision
}

// Changes is closed at the next change.
func (l *Library) Changes() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// Follow waits until ctx is done.
func (l *Library) Follow(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// OpenFile opens a file.
func (l *Library) OpenFile(h events.Hash) (catalog.File, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.content[h]
	switch {
	case f == nil:
		return nil, catalog.ErrNotFound
	case f.changed:
		return nil, catalog.ErrChanged
	}
	l.opened++
	return &openFile{memFile: f}, nil
}

type memFile struct {
	*bytes.Reader
	library *Library
	size    int64
	changed bool
	onRead  func(int64) error
}

type openFile struct {
	*memFile
	once sync.Once
}

func (f *openFile) Size() int64 { return f.size }

func (f *openFile) ReadAt(b []byte, off int64) (int, error) {
	f.library.mu.Lock()
	hook := f.onRead
	f.library.mu.Unlock()
	if hook != nil {
		if err := hook(off); err != nil {
			return 0, err
		}
	}
	n, err := f.Reader.ReadAt(b, off)
	if n == len(b) {
		err = nil
	} else if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (f *openFile) Check() error {
	f.library.mu.Lock()
	defer f.library.mu.Unlock()
	if f.changed {
		return catalog.ErrChanged
	}
	return nil
}

func (f *openFile) Close() error {
	f.once.Do(func() {
		f.library.mu.Lock()
		defer f.library.mu.Unlock()
		f.library.opened--
	})
	return nil
}

// Still returns l without the changes of its directory: it is not followed.
func Still(l server.Library) server.Library { return still{l} }

type still struct{ server.Library }

func (still) Follow(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
