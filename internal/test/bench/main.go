package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

// A measure is one part of the bench. It returns what it measured.
type measure struct {
	name string
	run  func(context.Context, *lab) ([]Result, error)
}

func measures() []measure {
	return []measure{
		{"startup", startup},
		{"scan", scan},
		{"requests", requests},
		{"put", puts},
		{"media", media},
		{"slow", slow},
		{"hub", hub},
		{"growth", growth},
		{"rebuild", rebuild},
		{"nexlet", nexlet},
		{"worldstart", start},
		{"revocation", revocation},
		{"quiet", quiet},
		{"crowd", crowd},
		{"unread", unread},
		{"failover", failover},
	}
}

// A role is what a child process of the bench does, until its standard input ends.
type role func(context.Context, []string) error

func roles() map[string]role {
	return map[string]role{
		"world": worldRole,
		"flood": floodRole,
		"crowd": crowdRole,
	}
}

// A lab is where measures are made.
type lab struct {
	dir     string // scratch, on the disk that is measured
	natster string // the binary
	quick   bool   // smaller sizes, for trying the bench itself
}

func (l *lab) scratch(name string) (string, error) {
	dir := filepath.Join(l.dir, name)
	return dir, os.MkdirAll(dir, 0o700)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	if len(os.Args) > 2 && os.Args[1] == "role" {
		r, ok := roles()[os.Args[2]]
		if !ok {
			return fmt.Errorf("unknown role %q", os.Args[2])
		}
		return r(ctx, os.Args[3:])
	}
	only := flag.String("only", "", "run only the measures whose name contains this")
	natster := flag.String("natster", "bin/natster", "the natster binary")
	dir := flag.String("dir", "", "where to put scratch files (default: a temporary directory)")
	quick := flag.Bool("quick", false, "small sizes: to try the bench, not to measure")
	asJSON := flag.Bool("json", false, "print JSON")
	flag.Parse()

	l := &lab{natster: *natster, quick: *quick}
	if l.dir, err = os.MkdirTemp(*dir, "natster-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(l.dir)) }()

	var all []Result
	for _, m := range measures() {
		if !matches(*only, m.name) {
			continue
		}
		start := time.Now()
		fmt.Fprintf(os.Stderr, "%s ...\n", m.name)
		results, err := m.run(ctx, l)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		fmt.Fprintf(os.Stderr, "%s took %s\n", m.name, brief(time.Since(start)))
		all = append(all, results...)
		if !*asJSON { // as it goes: a run that is ended early has measured something, too
			if err := printTable(os.Stdout, results); err != nil {
				return err
			}
		}
	}
	if *asJSON {
		return json.NewEncoder(os.Stdout).Encode(all)
	}
	return nil
}
