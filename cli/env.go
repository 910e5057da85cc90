package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

// An Outside is all that a run of natster has to do with the world around it, so that a test can be that world.
type Outside struct {
	Args   []string // with the program's name in front
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Getenv func(name string) string
}

// OS is the outside of the running process.
func OS() Outside {
	return Outside{os.Args, os.Stdin, os.Stdout, os.Stderr, os.Getenv}
}

// env is what every command of one run shares. Its fields are set before the command runs and not changed after.
type env struct {
	Outside
	written *results // Outside's Stdout
	json    bool     // --json
	context string   // --context, or NATSTER_CONTEXT, or empty: the one in use
	named   string   // --context alone
	verbose bool     // --verbose
	out     style    // of what goes to stdout
	err     style    // of what goes to stderr
}

func newEnv(o Outside) *env {
	e := &env{Outside: o, written: &results{Writer: o.Stdout, gone: func() {}}, context: o.Getenv("NATSTER_CONTEXT")}
	e.out, e.err = e.styleOf(o.Stdout), e.styleOf(o.Stderr)
	e.Stdout = e.written
	return e
}

// take reads the flags that every command accepts.
func (e *env) take(c *cli.Context) error {
	if c.Bool("json") {
		e.inJSON()
	}
	e.verbose = c.Bool("verbose")
	return nil
}

// inJSON makes everything JSON from now on, in which no colours are.
func (e *env) inJSON() {
	e.json, e.out.colours, e.err.colours = true, false, false
}

// actAs takes another context than the one in use, unless the name is empty.
func (e *env) actAs(context string) {
	if context != "" {
		e.context, e.named = context, context
	}
}

// A style says how a stream may be written to.
type style struct {
	terminal bool
	colours  bool
	width    int // columns of the terminal as the command began, or 0
}

func (e *env) styleOf(w io.Writer) style {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return style{}
	}
	s := style{terminal: true, colours: e.Getenv("NO_COLOR") == "" && e.Getenv("TERM") != "dumb"}
	s.width = columns(w)
	return s
}

// columns is how wide the terminal w is now, or 0 where that is not known.
func columns(w io.Writer) int {
	n, _ := terminalSize(w)
	return n
}

// terminalSize is how many columns and rows the terminal w has now, or 0 where that is not known.
func terminalSize(w io.Writer) (columns, rows int) {
	f, ok := w.(*os.File)
	if !ok {
		return 0, 0
	}
	columns, rows, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0, 0
	}
	return columns, rows
}

func (s style) paint(code, text string) string {
	if !s.colours || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s style) bold(text string) string  { return s.paint("1", text) }
func (s style) dim(text string) string   { return s.paint("2", text) }
func (s style) red(text string) string   { return s.paint("31", text) }
func (s style) green(text string) string { return s.paint("32", text) }
func (s style) cyan(text string) string  { return s.paint("36", text) }

// say prints a line for a person on stdout; with --json there is nothing to say.
func (e *env) say(format string, args ...any) {
	if !e.json {
		fmt.Fprintf(e.Stdout, format+"\n", args...)
	}
}

// note prints a line beside the result, on stderr; with --json it is an object.
func (e *env) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if e.json {
		_ = encode(e.Stderr, map[string]string{"note": text}, "") // a note that nobody reads is no failure
		return
	}
	fmt.Fprintln(e.Stderr, text)
}

// print is how a command answers: v as JSON if that was asked for, and otherwise whatever text prints. What could not be
// written is an error, so that nothing goes on whose purpose was to be read.
func (e *env) print(v any, text func()) error {
	if e.json {
		return e.printJSON(v, "  ")
	}
	text()
	return e.written.failure()
}

// printLine answers with one of many: a JSON object on a line of its own, or what text prints.
func (e *env) printLine(v any, text func()) error {
	if e.json {
		return e.printJSON(v, "")
	}
	text()
	return e.written.failure()
}

func (e *env) printJSON(v any, indent string) error { return encode(e.Stdout, v, indent) }

func encode(w io.Writer, v any, indent string) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	return enc.Encode(v)
}

// logger takes what happens inside while a command runs in the foreground: warnings only, or all with --verbose.
func (e *env) logger() *slog.Logger {
	level := slog.LevelWarn
	if e.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(e.Stderr, &slog.HandlerOptions{Level: level}))
}
