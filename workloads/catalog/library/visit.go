package library

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
)

// A visit is what a look found in the directory, before anything of it is read.
type visit struct {
	root    *os.Root // nil if the directory cannot be opened
	files   []found  // sorted by path
	skipped []Skipped
	away    []Away          // sorted by path
	seen    map[string]disk // of each part, the disk that is there
	disks   map[string]disk // of each part, the disk that its files are on
}

func (v *visit) close() {
	if v.root != nil {
		_ = v.root.Close() // it was only read
	}
}

// visit walks through what k asks for, and decides what is away. If a disk came or went since the last look, or
// something happened in what is away, it makes k a look at everything.
func (l *Library) visit(ctx context.Context, k *look, prev *snapshot) (*visit, error) {
	before := l.disksNow(prev.disks)
	if !k.all() && (!maps.Equal(before, prev.seen) || prev.awayIn(k.scope)) {
		k.scope = []string{"."}
	}
	if !k.all() {
		k.scope = withLinks(k.scope, prev)
	}
	v := &visit{seen: before}
	root, gone := l.openDir()
	switch {
	case errors.Is(gone, syscall.EMFILE), errors.Is(gone, syscall.ENFILE):
		return nil, gone
	case gone != nil:
		k.scope = []string{"."}
	default:
		v.root = root
	}
	var mounts []string
	if v.root != nil {
		w := walker{
			root: root, self: l.self, onDir: k.onDir, private: l.cfg.privateDirs(), log: l.cfg.Logger, hooks: l.cfg.hooks,
		}
		var err error
		if v.files, v.skipped, err = w.walk(ctx, k.scope); err != nil {
			v.close()
			return nil, err
		}
		mounts = w.mounts
	}
	if !k.all() && !maps.Equal(l.disksNow(prev.disks), before) { // it went meanwhile: what is missing may be away
		v.close()
		k.scope = []string{"."}
		return l.visit(ctx, k, prev)
	}
	if more := otherNames(prev, k.scope, v.files); len(more) > 0 {
		v.close()
		k.scope = normalScope(append(k.scope, more...))
		return l.visit(ctx, k, prev)
	}
	for _, p := range mounts {
		if v.seen[p] == "" {
			v.seen[p] = l.diskAt(p)
		}
	}
	v.judge(k, prev, gone)
	v.settle(k, prev, mounts)
	return v, nil
}

// otherNames are the paths outside scope that are listed with the inode of a file in it that has changed: hard links to
// it, probably, and no event names them.
func otherNames(prev *snapshot, scope []string, files []found) (paths []string) {
	changed := make(map[uint64]bool)
	for _, f := range files {
		if i, ok := prev.at(f.path); ok && f.stamp.inode != 0 && !prev.marks[i].stamp.is(f.stamp) {
			changed[f.stamp.inode] = true
		}
	}
	if len(changed) == 0 {
		return nil
	}
	in := covered(prev, scope)
	for i := range prev.marks {
		if !in[i] && changed[prev.marks[i].stamp.inode] {
			paths = append(paths, prev.entries[i].Path)
		}
	}
	return paths
}

// judge decides what is away.
func (v *visit) judge(k *look, prev *snapshot, gone error) {
	switch {
	case k.accept:
	case k.all():
		v.away = sighting{prev: prev, now: v.seen, files: v.files, gone: gone}.parts()
	default:
		in := make(map[string]bool, len(k.scope))
		for _, p := range k.scope {
			in[p] = true
		}
		for _, a := range prev.away {
			if a.part || !in[a.Path] && !anyAbove(in, a.Path) {
				v.away = append(v.away, a)
			}
		}
	}
	if !k.accept {
		v.away = append(v.away, withheld(prev, v.skipped)...)
	}
	slices.SortFunc(v.away, func(a, b Away) int { return strings.Compare(a.Path, b.Path) })
	above := make(map[string]bool)
	v.away = slices.DeleteFunc(v.away, func(a Away) bool {
		if above[a.Path] || !a.part && anyAbove(above, a.Path) { // said already
			return true
		}
		above[a.Path] = true
		return false
	})
}

// settle makes the parts of the next snapshot: the directory, what is mounted in it now, and what is away.
func (v *visit) settle(k *look, prev *snapshot, mounts []string) {
	seen := map[string]disk{".": v.seen["."]}
	v.disks = map[string]disk{".": v.seen["."]}
	keep := func(p string, home disk) {
		seen[p], v.disks[p] = v.seen[p], home
	}
	if !k.all() {
		for p, home := range prev.disks {
			keep(p, home)
		}
	}
	for _, p := range mounts {
		keep(p, v.seen[p])
	}
	for _, a := range v.away {
		if a.part {
			keep(a.Path, prev.disks[a.Path])
		}
	}
	v.seen = seen
	maps.DeleteFunc(v.disks, func(_ string, d disk) bool { return d == "" })
}

// leaveAway makes m take what is away as if it had not been looked at.
func (v *visit) leaveAway(m *merge) {
	if len(v.away) == 0 {
		return
	}
	covered := func(path string) bool {
		return slices.ContainsFunc(v.away, func(a Away) bool { return a.covers(m.prev.disks, path) })
	}
	for i := range m.in {
		m.in[i] = m.in[i] && !covered(m.prev.entries[i].Path)
	}
	v.files = slices.DeleteFunc(v.files, func(f found) bool { return covered(f.path) })
}

// awayIn tells whether scope leads into a part that is away.
func (s *snapshot) awayIn(scope []string) bool {
	return slices.ContainsFunc(s.away, func(a Away) bool {
		return a.part && slices.ContainsFunc(scope, func(p string) bool { return a.covers(s.disks, p) })
	})
}
