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

// A survey is what a look found in the directory, before any file is read.
type survey struct {
	look  // the scope is wider than was asked for, where more must be looked at
	batch // found is sorted by path
	prev  *snapshot

	root  *os.Root        // nil if the directory cannot be opened,
	gone  error           // and why
	away  []Away          // sorted by path
	seen  map[string]disk // of each part, the disk that is there
	disks map[string]disk // of each part, the disk that its files are on
}

func (v *survey) close() {
	if v.root != nil {
		_ = v.root.Close() // it was only read
	}
}

// survey walks through what k asks for, and decides what is away. If a disk came or went since the last look, or
// something happened in what is away, it looks at everything.
func (l *Library) survey(ctx context.Context, k look, prev *snapshot) (*survey, error) {
	v := &survey{look: k, prev: prev, seen: l.disksNow(prev.disks)}
	if !maps.Equal(v.seen, prev.seen) || prev.awayIn(v.scope) {
		v.scope = []string{"."}
	}
	v.scope = withLinks(v.scope, prev)
	switch v.root, v.gone = l.openDir(); {
	case errors.Is(v.gone, syscall.EMFILE), errors.Is(v.gone, syscall.ENFILE):
		return nil, v.gone
	case v.gone != nil:
		v.scope = []string{"."}
	default:
		w := walker{
			root: v.root, self: l.self, onDir: k.onDir, private: l.cfg.privateDirs(), log: l.cfg.Logger,
			hooks: l.cfg.hooks,
		}
		var err error
		if v.batch, err = w.walk(ctx, v.scope); err != nil {
			v.close()
			return nil, err
		}
	}
	wider := normalScope(append(slices.Clone(v.scope), otherNames(prev, v.scope, v.found)...))
	if !maps.Equal(l.disksNow(prev.disks), v.seen) { // a disk went meanwhile: what is missing may be away
		wider = []string{"."}
	}
	if !slices.Equal(wider, v.scope) {
		v.close()
		k.scope = wider
		return l.survey(ctx, k, prev)
	}
	for _, p := range v.mounts {
		if v.seen[p] == "" {
			v.seen[p] = l.diskAt(p)
		}
	}
	v.decideAway()
	v.settle()
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

// decideAway finds what is away: of what was looked at by what was found, of the rest as before.
func (v *survey) decideAway() {
	if v.accept {
		return
	}
	if v.all() {
		v.away = v.awayParts()
	} else {
		in := setOf(v.scope)
		for _, a := range v.prev.away {
			if a.part || !in.has(a.Path) {
				v.away = append(v.away, a)
			}
		}
	}
	v.away = append(v.away, withheld(v.prev, v.skipped)...)
	slices.SortFunc(v.away, func(a, b Away) int { return strings.Compare(a.Path, b.Path) })
	before := make(pathSet)
	v.away = slices.DeleteFunc(v.away, func(a Away) bool {
		if before[a.Path] || !a.part && before.has(a.Path) { // it is in the list already
			return true
		}
		before[a.Path] = true
		return false
	})
}

// settle makes the parts of the next snapshot: the directory, what is mounted in it now, and what is away.
func (v *survey) settle() {
	seen := map[string]disk{".": v.seen["."]}
	v.disks = maps.Clone(seen)
	keep := func(p string, home disk) {
		seen[p], v.disks[p] = v.seen[p], home
	}
	if !v.all() {
		for p, home := range v.prev.disks {
			keep(p, home)
		}
	}
	for _, p := range v.mounts {
		keep(p, v.seen[p])
	}
	for _, a := range v.away {
		if a.part {
			keep(a.Path, v.prev.disks[a.Path])
		}
	}
	v.seen = seen
	maps.DeleteFunc(v.disks, func(_ string, d disk) bool { return d == "" })
}

// leaveAway makes m take what is away as if it had not been looked at.
func (v *survey) leaveAway(m *merge) {
	if len(v.away) == 0 {
		return
	}
	isAway := func(path string) bool {
		return slices.ContainsFunc(v.away, func(a Away) bool { return a.covers(v.prev.disks, path) })
	}
	for i := range m.in {
		m.in[i] = m.in[i] && !isAway(v.prev.entries[i].Path)
	}
	v.found = slices.DeleteFunc(v.found, func(f found) bool { return isAway(f.path) })
}

// awayIn reports whether scope leads into a part that is away.
func (s *snapshot) awayIn(scope []string) bool {
	return slices.ContainsFunc(s.away, func(a Away) bool {
		return a.part && slices.ContainsFunc(scope, func(p string) bool { return a.covers(s.disks, p) })
	})
}
