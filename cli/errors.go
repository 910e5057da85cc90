package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

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

// A misuse is a command line that means nothing; Usage is the line that would.
type misuse struct {
	message string
	usage   string
}

func (m *misuse) Error() string { return m.message }

// misused says what is wrong with the arguments of cmd.
func misused(cmd *cli.Command, format string, args ...any) error {
	return &misuse{fmt.Sprintf(format, args...), usageLine(cmd)}
}

// A hinted error comes with something to type.
type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

// hint adds a command line that could help, without the program's name, to an error.
func hint(err error, format string, args ...any) error {
	return &hinted{err, fmt.Sprintf(format, args...)}
}

// again adds to an error the command line that was typed, with another flag: that could help.
func (e *env) again(err error, flag ...string) error {
	var words []string
	all := e.Args[1:]
	end := slices.Index(all, "--")
	if end < 0 {
		end = len(all)
	}
	for i := 0; i < end; i++ {
		switch name, _, joined := strings.Cut(all[i], "="); {
		case name == "--context", name == flag[0], name == "--out" && flag[0] == "-o": // said otherwise
			if !joined {
				i++
			}
		default:
			words = append(words, shellWord(all[i]))
		}
	}
	words = append(words, flag...)
	for _, w := range all[end:] {
		words = append(words, shellWord(w))
	}
	return hint(err, "%s", strings.Join(words, " "))
}

// fail prints err the way every error of natster looks, and returns the exit code.
func (e *env) fail(ctx context.Context, err error) int {
	lost := e.written.failure()
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
	if e.json {
		_ = encode(e.Stderr, c, "") // there is nobody to tell that nobody can be told
		return
	}
	fmt.Fprintf(e.Stderr, "%s %s\n", e.err.red("natster:"), c.Error)
	switch {
	case c.Try == "":
	case label == "try":
		fmt.Fprintf(e.Stderr, "  try: %s\n", e.err.bold(c.Try))
	default:
		fmt.Fprintf(e.Stderr, "  usage: %s\n", c.Try)
	}
}

// hintFor is what to type next after err: what the command said, or what the kind of error suggests.
func hintFor(err error) string {
	if h, ok := errors.AsType[*hinted](err); ok {
		return h.hint
	}
	for _, row := range usualHints {
		if errors.Is(err, row.err) {
			return row.hint
		}
	}
	return ""
}

// usualHints are for errors that any command may meet. Only what helps is here: where the functions do not answer, or have
// no room, the world runs, and another devrun would not help.
var usualHints = []struct {
	err  error
	hint string
}{
	{accounts.ErrNoWorld, "devrun"},
	{accounts.ErrNotRunning, "devrun"},
	{accounts.ErrConflict, "catalog ls"},
	{accounts.ErrNotImported, "catalog ls"},
	{client.ErrNotShared, "catalog shares"},
	{client.ErrOffline, "catalog ls"}, // says who is online
}

// served adds to an error about a catalog of one's own that nobody serves how to do that.
func served(err error, c events.Catalog, own bool) error {
	if own && errors.Is(err, client.ErrOffline) {
		return hint(err, "serve %s", c)
	}
	return err
}

// sentence is err for a person. What a server said of a refusal only repeats what the refusal is.
func sentence(err error) string {
	s := err.Error()
	if errors.Is(err, client.ErrNotShared) {
		if before, _, ok := strings.Cut(s, client.ErrNotShared.Error()); ok {
			s = before + client.ErrNotShared.Error()
		}
	}
	for _, about := range []error{client.ErrOffline, client.ErrNotShared, client.ErrNotFound, client.ErrBusy, client.ErrRefused, client.ErrImpostor} {
		if errors.Is(err, about) { // begins with the catalog, which may be called like a package
			return oneLine(s)
		}
	}
	for { // which package says it is of no use to a person
		_, rest, is := strings.Cut(s, ": ")
		if name := s[:max(0, len(s)-len(rest)-2)]; !is || !slices.Contains(packages, name) {
			return oneLine(s)
		}
		s = rest
	}
}

// packages put their name before what they say, for logs.
var packages = []string{"accounts", "cluster", "download", "export", "functions", "library", "nex", "nexlet", "projection", "web", "world"}

// oneLine makes text fit to stand behind "natster: " on a terminal: one line that begins in lower case, with nothing in it
// that acts on the terminal, since other people's servers have a say in errors.
func oneLine(s string) string {
	s = catalog.CleanDescription(strings.ReplaceAll(strings.TrimSpace(s), "\n", "; "))
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 1 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'a' && s[1] <= 'z' {
		s = string(s[0]+'a'-'A') + s[1:]
	}
	return s
}
