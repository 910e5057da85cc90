package cli

import (
	"io"
	"log/slog"
	"os"
	"sync"

	"natster/cli/contexts"
	"natster/cli/term"
)

// An Outside is what a run of natster takes from its process, so that a test can provide it.
type Outside struct {
	Args   []string // with the program's name in front
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Getenv func(name string) string
}

// OS returns the Outside of the running process.
func OS() Outside {
	return Outside{os.Args, os.Stdin, os.Stdout, os.Stderr, os.Getenv}
}

// env is what every command of one run shares. Its fields are set before the command runs and not changed after. What
// is read from disk is read once.
type env struct {
	*term.Printer
	Args    []string
	Stdin   io.Reader
	Getenv  func(name string) string
	dirs    contexts.Dirs
	context string // --context, or NATSTER_CONTEXT, or empty: the one in use
	named   string // --context alone
	verbose bool   // --verbose

	contexts func() (*contexts.Store, error) // opened at the first call
}

// newEnv returns the env of a run in o. It calls gone when the reader of stdout has gone.
func newEnv(o Outside, gone func()) *env {
	dirs := contexts.Dirs{Getenv: o.Getenv}
	return &env{
		Printer: term.New(o.Stdout, o.Stderr, o.Getenv, gone),
		Args:    o.Args, Stdin: o.Stdin, Getenv: o.Getenv, dirs: dirs, context: o.Getenv("NATSTER_CONTEXT"),
		contexts: sync.OnceValues(func() (*contexts.Store, error) { return contexts.Open(dirs) }),
	}
}

// actAs makes e act as the account of a context, unless the name is empty.
func (e *env) actAs(context string) {
	if context != "" {
		e.context, e.named = context, context
	}
}

// logger returns a log on stderr: of warnings, or with --verbose of everything.
func (e *env) logger() *slog.Logger {
	level := slog.LevelWarn
	if e.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(e.Stderr, &slog.HandlerOptions{Level: level}))
}
