package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// startup compares `natster version` with a program that does nothing, both from exec to exit.
func startup(ctx context.Context, l *lab) ([]Result, error) {
	dir, err := l.scratch("startup")
	if err != nil {
		return nil, err
	}
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() { println() }\n"), 0o600); err != nil {
		return nil, err
	}
	empty := filepath.Join(dir, "empty")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", empty, source).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build an empty program: %w: %s", err, out)
	}
	natster, err := filepath.Abs(l.natster)
	if err != nil {
		return nil, err
	}
	medians, err := interleaved(31,
		func() error { return exec.CommandContext(ctx, natster, "version").Run() },
		func() error { return exec.CommandContext(ctx, empty).Run() })
	if err != nil {
		return nil, err
	}
	more := float64((medians[0] - medians[1]).Microseconds()) / 1000
	return []Result{{
		Measure: "start to first output, ms more than an empty program",
		Got:     brief(medians[0]), Floor: brief(medians[1]),
		Ratio: more, Target: 50, AtMost: true,
	}}, nil
}
