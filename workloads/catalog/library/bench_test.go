package library

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"natster/events"
)

// makeTree writes files of a size each, a hundred to a directory.
func makeTree(tb testing.TB, dir string, files, size int) {
	tb.Helper()
	content := make([]byte, size)
	src := rand.NewChaCha8([32]byte{1})
	for i := range files {
		at := filepath.Join(dir, fmt.Sprintf("shelf %03d/box %02d", i/1000, i/100%10))
		if i%100 == 0 {
			if err := os.MkdirAll(at, 0o755); err != nil {
				tb.Fatal(err)
			}
		}
		src.Read(content)
		if err := os.WriteFile(filepath.Join(at, fmt.Sprintf("film number %06d.mp4", i)), content, 0o644); err != nil {
			tb.Fatal(err)
		}
	}
}

func catalogName(tb testing.TB, s string) events.Catalog {
	tb.Helper()
	c, err := events.ParseCatalog(s)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// BenchmarkScan reads a tree that is in the page cache for the first time.
func BenchmarkScan(b *testing.B) {
	for _, t := range []struct{ files, size int }{{200, 1 << 20}, {10_000, 4 << 10}} {
		b.Run(fmt.Sprintf("%dx%dKiB", t.files, t.size>>10), func(b *testing.B) {
			dir := b.TempDir()
			makeTree(b, dir, t.files, t.size)
			b.SetBytes(int64(t.files) * int64(t.size))
			for b.Loop() {
				l, err := Open(b.Context(), Config{Dir: dir, Name: catalogName(b, "bench")})
				if err != nil {
					b.Fatal(err)
				}
				if r, err := l.Scan(b.Context()); err != nil || r.Hashed != t.files {
					b.Fatal(r, err)
				}
			}
		})
	}
}

// BenchmarkRescan looks through an unchanged tree: cold begins with the catalog file, as a start does; warm is in
// memory.
func BenchmarkRescan(b *testing.B) {
	const files = 100_000
	dir := b.TempDir()
	makeTree(b, dir, files, 1)
	cfg := Config{Dir: dir, File: filepath.Join(b.TempDir(), "bench.json"), Name: catalogName(b, "bench")}
	open := func() *Library {
		l, err := Open(b.Context(), cfg)
		if err != nil {
			b.Fatal(err)
		}
		return l
	}
	scan := func(l *Library, hashed int) {
		if r, err := l.Scan(b.Context()); err != nil || r.Hashed != hashed || r.Files != files {
			b.Fatal(r, err)
		}
	}
	l := open()
	scan(l, files)
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			l := open()
			scan(l, 0)
		}
	})
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			open()
		}
	})
	b.Run("warm", func(b *testing.B) {
		for b.Loop() {
			scan(l, 0)
		}
	})
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			if _, err := writeDocument(cfg.File, dir, l.snap.Load()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
