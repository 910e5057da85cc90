package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"natster/cli/hint"
	"natster/cli/term"
	"natster/deploy/accounts"
	"natster/events"
	"natster/workloads/catalog"
	"natster/workloads/catalog/client"
)

// The exit codes.
const (
	exitDone    = 0
	exitFailed  = 1
	exitMisused = 2
	Interrupted = 130 // main's, too, when it does not wait for Main
)

// A misuse is the error for a command line that is wrong; usage is how it is typed.
type misuse struct {
	message string
	usage   string
}

func (m *misuse) Error() string { return m.message }

// misused returns an error about the arguments of cmd.
func misused(cmd *cli.Command, format string, args ...any) error {
	return &misuse{fmt.Sprintf(format, args...), usageLine(cmd)}
}

// again adds to an error the command line that was typed, with another flag, which could help.
func (e *env) again(err error, flag ...string) error {
	var words []string
	all := e.Args[1:]
	end := slices.Index(all, "--")
	if end < 0 {
		end = len(all)
	}
	for i := 0; i < end; i++ {
		switch name, _, joined := strings.Cut(all[i], "="); {
		case name == "--context", name == flag[0], name == "--out" && flag[0] == "-o": // they are added in another way
			if !joined {
				i++
			}
		default:
			words = append(words, term.ShellWord(all[i]))
		}
	}
	words = append(words, flag...)
	for _, w := range all[end:] {
		words = append(words, term.ShellWord(w))
	}
	return hint.Add(err, "%s", strings.Join(words, " "))
}

// errReaderGone is the cause of a run that ends because the reader of its results has gone. That is not a failure.
var errReaderGone = errors.New("the reader of the results has gone")

// fail prints err the way every error of natster looks, and returns the exit code.
func (e *env) fail(ctx context.Context, err error) int {
	lost := e.Stdout.Err()
	over := ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(ctx)))
	if context.Cause(ctx) == errReaderGone && (err == nil || over || errors.Is(err, lost)) {
		return exitDone
	}
	if err == nil {
		err = lost
	}
	if err == nil {
		return exitDone
	}
	if over {
		return Interrupted
	}
	e.complain(err)
	if _, ok := errors.AsType[*misuse](err); ok {
		return exitMisused
	}
	return exitFailed
}

// A complaint is an error as JSON has it.
type complaint struct {
	Error string `json:"error"`
	Try   string `json:"try,omitempty"`
}

// complain prints err and what to type next on stderr.
func (e *env) complain(err error) {
	c, label := complaint{Error: sentence(err)}, "try"
	if m, ok := errors.AsType[*misuse](err); ok {
		c.Try, label = m.usage, "usage"
	} else if h := hintFor(err); h != "" {
		c.Try = e.typed("%s", h)
	}
	if e.JSON {
		_ = term.Encode(e.Stderr, c, "") // if stderr cannot be written, there is no place to say so
		return
	}
	fmt.Fprintf(e.Stderr, "%s %s\n", e.Err.Red("natster:"), c.Error)
	switch {
	case c.Try == "":
	case label == "try":
		fmt.Fprintf(e.Stderr, "  try: %s\n", e.Err.Bold(c.Try))
	default:
		fmt.Fprintf(e.Stderr, "  usage: %s\n", c.Try)
	}
}

// hintFor returns what to type next after err: what the error comes with, or what usualHints have.
func hintFor(err error) string {
	if line := hint.Of(err); line != "" {
		return line
	}
	for _, row := range usualHints {
		if errors.Is(err, row.err) {
			return row.hint
		}
	}
	return ""
}

// usualHints are for errors that any command may return. Only what helps is here: if the functions do not answer, or
// are full, the world runs, and another devrun would not help.
var usualHints = []struct {
	err  error
	hint string
}{
	{accounts.ErrNoWorld, "devrun"},
	{accounts.ErrNotRunning, "devrun"},
	{accounts.ErrConflict, "catalog ls"},
	{accounts.ErrNotImported, "catalog ls"},
	{client.ErrNotShared, "catalog shares"},
	{client.ErrOffline, "catalog ls"}, // shows who is online
}

// served adds to an error about a catalog that is not served how to serve it, if it is the user's own.
func served(err error, c events.Catalog, own bool) error {
	if own && errors.Is(err, client.ErrOffline) {
		return hint.Add(err, "serve %s", c)
	}
	return err
}

// sentence returns err for a person, without what a server adds to a refusal, which only repeats it.
func sentence(err error) string {
	s := err.Error()
	if errors.Is(err, client.ErrNotShared) {
		if before, _, ok := strings.Cut(s, client.ErrNotShared.Error()); ok {
			s = before + client.ErrNotShared.Error()
		}
	}
	for _, about := range []error{
		client.ErrOffline, client.ErrNotShared, catalog.ErrNotFound, client.ErrBusy, client.ErrRefused,
		client.ErrImpostor,
	} {
		if errors.Is(err, about) { // begins with the catalog, which may be called like a package
			return term.OneLine(s)
		}
	}
	for { // a package's name is of no use to a person
		_, rest, is := strings.Cut(s, ": ")
		if name := s[:max(0, len(s)-len(rest)-2)]; !is || !slices.Contains(packages, name) {
			return term.OneLine(s)
		}
		s = rest
	}
}

// packages are those that begin their errors with their name, for logs.
var packages = []string{
	"accounts", "cluster", "download", "export", "functions", "library", "nex", "nexlet", "projection", "web", "world",
}
