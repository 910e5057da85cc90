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
	"natster/deploy/nex"
	"natster/deploy/world/embedded"
	"natster/events"
	"natster/functions/projection"
	"natster/workloads/catalog"
	"natster/workloads/catalog/client"
	"natster/workloads/nexlet"
	"natster/workloads/web"
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
	return &misuse{fmt.Sprintf(format, args...), cmd.UsageText}
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
	e.printError(err)
	if _, ok := errors.AsType[*misuse](err); ok {
		return exitMisused
	}
	return exitFailed
}

// An errorResult is an error as JSON has it.
type errorResult struct {
	Error string `json:"error"`
	Try   string `json:"try,omitempty"`
}

// printError prints err and what to type next on stderr.
func (e *env) printError(err error) {
	c, next := errorResult{Error: sentence(err)}, ""
	if m, ok := errors.AsType[*misuse](err); ok && m.usage != "" {
		c.Try = m.usage
		next = "  usage: " + c.Try + "\n"
	} else if h := hintFor(err); h != "" {
		c.Try = term.Inert(e.typed("%s", h))
		next = "  try: " + e.Err.Bold(c.Try) + "\n"
	}
	if e.JSON {
		_ = term.Encode(e.Stderr, c, "") // if stderr cannot be written, there is no place to say so
		return
	}
	fmt.Fprintf(e.Stderr, "%s %s\n%s", e.Err.Red("natster:"), c.Error, next)
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
	{projection.ErrSuperseded, "admin rebuild --all"},
	{events.ErrLost, "admin check"},
	{nex.ErrUnknown, "deploy status"},
	{nex.ErrNotFound, "deploy status"},
	{nex.ErrNotReady, "deploy logs"},
	{nex.ErrNoBid, "deploy nodes"},
	{nex.ErrNoAnswer, "deploy nodes"},
	{nexlet.ErrNoNode, "nexlet --remote natster"},
	{embedded.ErrNeedsTLS, "devrun --tls-self-signed"},
	{embedded.ErrTLSPair, "devrun --tls-cert FILE --tls-key FILE"},
	{web.ErrNoIssuer, "web --url URL --issuer URL --client-id ID --client-secret-file FILE"},
	{web.ErrClient, "web --url URL --issuer URL --client-id ID --client-secret-file FILE"},
	{web.ErrPlain, "web --listen 127.0.0.1:8000 --url https://HOST"},
	{web.ErrURL, "web --listen 127.0.0.1:8000 --url https://HOST"},
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
