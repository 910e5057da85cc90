package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// goBench runs Go benchmarks of a package and returns their metrics: by benchmark, then by unit.
func goBench(ctx context.Context, pkg, pattern, benchtime string, env []string) (map[string]map[string]float64, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", pattern, "-benchtime", benchtime, "-timeout",
		"30m", pkg)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("go test -bench %s %s: %w\n%s", pattern, pkg, err, out)
	}
	metrics := make(map[string]map[string]float64)
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		name := f[0]
		if dash := strings.LastIndexByte(name, '-'); dash > 0 {
			name = name[:dash]
		}
		if metrics[name] == nil {
			metrics[name] = make(map[string]float64)
		}
		for i := 2; i+1 < len(f); i += 2 {
			v, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %q is no number", name, f[i])
			}
			metrics[name][f[i+1]] = v
		}
	}
	if len(metrics) == 0 {
		return nil, fmt.Errorf("go test -bench %s %s measured nothing:\n%s", pattern, pkg, out)
	}
	return metrics, nil
}
