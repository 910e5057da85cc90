package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"natster/events"
	"natster/workloads/catalog/library"
)

// scan compares a first scan with sha256sum over the same tree, as many processes as cores; and a rescan of 100,000
// unchanged files with a second.
func scan(ctx context.Context, l *lab) ([]Result, error) {
	dir, err := l.scratch("scan")
	if err != nil {
		return nil, err
	}
	large, small, many := 512, 20_000, 100_000
	if l.quick {
		large, small, many = 16, 500, 2_000
	}
	tree := filepath.Join(dir, "tree")
	bytes, err := grow(tree, large, 1<<20)
	if err != nil {
		return nil, err
	}
	more, err := grow(filepath.Join(tree, "small"), small, 4<<10)
	if err != nil {
		return nil, err
	}
	bytes += more
	n := 0
	sha256sum := func() error {
		find := fmt.Sprintf("find %q -type f -print0 | xargs -0 -P %d -n 256 sha256sum > /dev/null", tree,
			runtime.NumCPU())
		return exec.CommandContext(ctx, "sh", "-c", find).Run()
	}
	fresh := func() error {
		n++
		return scanOnce(ctx, tree, filepath.Join(dir, fmt.Sprint("catalog", n, ".json")))
	}
	if err := sha256sum(); err != nil { // everything is in the page cache from here on
		return nil, err
	}
	medians, err := interleaved(5, fresh, sha256sum)
	if err != nil {
		return nil, err
	}
	results := []Result{{
		Measure: fmt.Sprintf("scan, %d files, %d MB, against sha256sum x %d", large+small, bytes/1e6, runtime.NumCPU()),
		Got:     rate(bytes, medians[0]), Floor: rate(bytes, medians[1]),
		Ratio: ratio(medians[1], medians[0]), Target: 0.8,
	}}

	crowd, file := filepath.Join(dir, "crowd"), filepath.Join(dir, "crowd.json")
	if _, err := grow(crowd, many, 64); err != nil {
		return nil, err
	}
	if err := scanOnce(ctx, crowd, file); err != nil {
		return nil, err
	}
	start := time.Now()
	if err := scanOnce(ctx, crowd, file); err != nil {
		return nil, err
	}
	took := time.Since(start)
	return append(results, Result{
		Measure: fmt.Sprintf("rescan of %d unchanged files, seconds", many),
		Got:     brief(took), Floor: "1s", Ratio: took.Seconds(), Target: 1, AtMost: true,
	}), nil
}

func scanOnce(ctx context.Context, dir, file string) error {
	name, err := events.ParseCatalog("bench")
	if err != nil {
		return err
	}
	lib, err := library.Open(ctx, library.Config{Name: name, Dir: dir, File: file})
	if err != nil {
		return err
	}
	_, err = lib.Scan(ctx)
	return err
}

// grow makes n files of the size, a hundred to a directory, all different, and returns their bytes.
func grow(dir string, n, size int) (int64, error) {
	source := rand.NewChaCha8([32]byte([]byte(strings.Repeat("n", 32))))
	content := make([]byte, size)
	for i := range n {
		if i%100 == 0 {
			if err := os.MkdirAll(filepath.Join(dir, fmt.Sprintf("d%04d", i/100)), 0o700); err != nil {
				return 0, err
			}
		}
		if _, err := source.Read(content); err != nil {
			return 0, err
		}
		path := filepath.Join(dir, fmt.Sprintf("d%04d", i/100), fmt.Sprintf("f%06d.bin", i))
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return 0, err
		}
	}
	return int64(n) * int64(size), nil
}
