package client

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"natster/events"
	"natster/workloads/catalog"
)

// Errors of a file that the receiver's disk cannot have. Another disk may; to try again does not help.
var (
	ErrTwin    = errors.New("there is no place for it: on this disk its name is another file's")
	ErrName    = errors.New("this disk cannot hold a file of that name")
	ErrTooLong = errors.New("this disk cannot hold a file of that size")
)

// folded returns the same for all paths that some disk takes for one: systems differ in how they treat case, Unicode's
// forms, and dots and spaces at the end of a name. For paths that no disk takes for one it differs.
func folded(path string) string {
	special := func(r rune) bool { return r >= 0x80 || r >= 'A' && r <= 'Z' || r == ' ' || r == '.' }
	if !strings.ContainsFunc(path, special) {
		return path
	}
	fold := cases.Fold()
	names := strings.Split(path, "/")
	for i, n := range names {
		n = fold.String(strings.ToLower(strings.ToUpper(norm.NFD.String(n))))
		n = strings.Map(func(r rune) rune {
			switch {
			case r == 0xad, r == 0x34f, r >= 0x200b && r <= 0x200f, r >= 0xfe00 && r <= 0xfe0f, r == 0xfeff:
				return -1 // some disks ignore invisible characters
			}
			return r
		}, n)
		names[i] = strings.TrimRight(norm.NFD.String(n), " .")
	}
	return strings.Join(names, "/")
}

// places are the listed paths, by a hash of what they fold to.
type places struct {
	seed  maphash.Seed
	twins map[uint64]*twins
	dirs  func() map[uint64]string // a directory by its hash
}

// twins are several files whose paths fold to the same. They are downloaded one after the other.
type twins struct {
	turn    sync.Mutex
	entries []catalog.Entry
}

func newPlaces(listed []catalog.Entry) *places {
	p := &places{seed: maphash.MakeSeed(), twins: make(map[uint64]*twins)}
	first := make(map[uint64]int, len(listed))
	for i, e := range listed {
		k := p.key(e.Path)
		j, again := first[k]
		switch {
		case !again:
			first[k] = i
		case p.twins[k] == nil:
			p.twins[k] = &twins{entries: []catalog.Entry{listed[j], e}}
		default:
			p.twins[k].entries = append(p.twins[k].entries, e)
		}
	}
	p.dirs = sync.OnceValue(func() map[uint64]string {
		all := make(map[uint64]string)
		for _, e := range listed {
			for dir := path.Dir(e.Path); dir != "."; dir = path.Dir(dir) {
				k := p.key(dir)
				if _, known := all[k]; known {
					break
				}
				all[k] = dir
			}
		}
		return all
	})
	return p
}

func (p *places) key(path string) uint64 { return maphash.String(p.seed, folded(path)) }

// turn waits until no twin of e is being downloaded; done ends the turn.
func (p *places) turn(e catalog.Entry) (done func()) {
	t := p.twins[p.key(e.Path)]
	if t == nil {
		return func() {}
	}
	t.turn.Lock()
	return t.turn.Unlock
}

// present reports whether the file is there already. Another file in its place is an error: [ErrTwin] if it is one of
// the catalog, which is never replaced, and otherwise [ErrExists], unless it may be replaced.
func (d *download) present(ctx context.Context, m *meter) (bool, error) {
	e := m.e
	fi, err := d.root.Lstat(e.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, d.misplaced(e, err)
	case fi.Mode().IsRegular():
		same, err := d.holds(ctx, e.Path, fi, e, m.checking)
		if err != nil {
			return false, err
		}
		if same {
			// After a crash in [partial.commit] the file can have both names.
			if left, err := d.root.Lstat(partialName(e)); err == nil && os.SameFile(fi, left) {
				return true, d.root.Remove(partialName(e))
			}
			return true, nil
		}
		m.checked(0)
		if err := d.twin(ctx, e, fi); err != nil {
			return false, err
		}
	default:
		if dir, listed := d.places.dirs()[d.places.key(e.Path)]; fi.IsDir() && listed {
			return false, fmt.Errorf("%w, %q", ErrTwin, dir+"/")
		}
		return false, fmt.Errorf("%w: it is no regular file", ErrInWay)
	}
	if !d.o.Overwrite {
		return false, ErrExists
	}
	return false, nil
}

// holds reports whether the file at path has e's content.
func (d *download) holds(
	ctx context.Context, path string, fi fs.FileInfo, e catalog.Entry, report func(int64),
) (bool, error) {
	if fi.Size() != e.Size {
		return false, nil
	}
	f, err := d.root.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	there := &partial{name: path, sink: f, size: e.Size}
	h := sha256.New()
	if err := there.sum(ctx, h, report); err != nil {
		return false, err
	}
	return events.Hash(h.Sum(nil)) == e.Hash, nil
}

// twin returns an error if the file at e's path, which has not e's content, is a twin that this disk takes for the
// same. The content shows whose it is; for an older version of either, the name that the disk has for it.
func (d *download) twin(ctx context.Context, e catalog.Entry, fi fs.FileInfo) error {
	named := func(p string) bool { return d.named(p, func(a, b string) bool { return a == b }) }
	var others []catalog.Entry
	if t := d.places.twins[d.places.key(e.Path)]; t != nil {
		others = t.entries
	} else if !strings.Contains(e.Path, "~") {
		return nil
	}
	mine := named(e.Path)
	found := false
	for _, q := range others {
		if q.Path == e.Path {
			continue
		}
		if _, err := d.root.Lstat(q.Path); err != nil {
			continue
		}
		theirs := named(q.Path)
		if mine && theirs {
			continue // two files
		}
		same, err := d.holds(ctx, e.Path, fi, q, nil)
		if err != nil {
			return err
		}
		if same || theirs {
			return fmt.Errorf("%w, %q", ErrTwin, q.Path)
		}
		found = true
	}
	// A file without a name that folds to this one has it as its short name of eight letters and three.
	if !mine && !found && !d.named(e.Path, func(a, b string) bool { return folded(a) == folded(b) }) {
		return ErrTwin
	}
	return nil
}

// named reports whether each name in p equals one that its directory lists.
func (d *download) named(p string, equal func(a, b string) bool) bool {
	for ; p != "."; p = path.Dir(p) {
		all, err := names(d.root, path.Dir(p))
		if err != nil || !slices.ContainsFunc(all, func(n string) bool { return equal(n, path.Base(p)) }) {
			return false
		}
	}
	return true
}

func names(root disk, dir string) ([]string, error) {
	f, err := root.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

// commit gives the whole file its name, unless another download wrote a twin meanwhile; in this one twins take turns.
func (d *download) commit(ctx context.Context, p *partial, m *meter) error {
	look := func() error {
		fi, err := d.root.Lstat(m.e.Path)
		if err != nil || !fi.Mode().IsRegular() {
			return nil
		}
		return d.twin(ctx, m.e, fi)
	}
	if d.o.Overwrite {
		if err := look(); err != nil {
			return err
		}
	}
	err := p.commit(d.o.Overwrite)
	if errors.Is(err, ErrExists) {
		return errors.Join(look(), err)
	}
	return err
}

// misplaced wraps err in the error of this package that says why e's file cannot be made.
func (d *download) misplaced(e catalog.Entry, err error) error {
	if err = diskError(err); hopeless(err) || errors.Is(err, ErrInUse) {
		return err
	}
	if strings.HasSuffix(err.Error(), "path escapes from parent") { // os.Root's, which has no name
		return fmt.Errorf("%w: a link that leads out of the directory", ErrInWay)
	}
	if badName(err) || errors.Is(err, fs.ErrPermission) && d.onlyThisName(e) {
		return fmt.Errorf("%w: %w", ErrName, err)
	}
	if !notADirectory(err) {
		return err
	}
	for dir := path.Dir(e.Path); dir != "."; dir = path.Dir(dir) {
		fi, err := d.root.Lstat(dir)
		if err != nil || fi.IsDir() {
			continue
		}
		for _, q := range d.o.Listed {
			if fi.Mode().IsRegular() && d.places.key(q.Path) == d.places.key(dir) {
				return fmt.Errorf("%w, %q", ErrTwin, q.Path)
			}
		}
		return fmt.Errorf("%w: it is where the directory %q should be", ErrInWay, dir)
	}
	return err
}

// onlyThisName reports whether a file of another name can be made where e's cannot: some disks forbid the names that
// they cannot have.
func (d *download) onlyThisName(e catalog.Entry) bool {
	if _, err := d.root.Lstat(partialName(e)); err == nil {
		return false
	}
	dir := path.Dir(e.Path)
	for ; dir != "."; dir = path.Dir(dir) {
		if fi, err := d.root.Stat(dir); err == nil && fi.IsDir() {
			break
		}
	}
	probe := path.Join(dir, fmt.Sprintf("%x", sha256.Sum256([]byte(e.Path)))+partialEnd)
	f, err := d.root.OpenFile(probe, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return false
	}
	return f.Close() == nil && d.root.Remove(probe) == nil
}
