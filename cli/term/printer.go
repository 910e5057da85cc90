package term

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"natster/internal/brief"
)

// A Printer writes what a command has to say.
type Printer struct {
	Stdout *Output
	Stderr io.Writer
	JSON   bool  // print results as JSON, one value each
	Out    Style // of Stdout
	Err    Style // of Stderr
}

// New returns a Printer for people, on two streams. It calls gone when the reader of stdout has gone.
func New(stdout, stderr io.Writer, getenv func(string) string, gone func()) *Printer {
	return &Printer{
		Stdout: &Output{Writer: stdout, Gone: gone}, Stderr: stderr,
		Out: StyleOf(stdout, getenv), Err: StyleOf(stderr, getenv),
	}
}

// InJSON makes everything JSON from now on, without colours.
func (p *Printer) InJSON() { p.JSON, p.Out.Colours, p.Err.Colours = true, false, false }

// Say prints a line for a person on stdout. With JSON it prints nothing. What args have in them does not act on the
// terminal, and ends no line unless it is a [Block].
func (p *Printer) Say(format string, args ...any) {
	if !p.JSON {
		p.Out.inert(args)
		fmt.Fprintln(p.Stdout, fmt.Sprintf(format, args...))
	}
}

// Note prints a line beside the result, on stderr. With JSON it is {"note":"…"}. Its args are as those of Say.
func (p *Printer) Note(format string, args ...any) {
	p.Err.inert(args)
	text := fmt.Sprintf(format, args...)
	if p.JSON {
		_ = Encode(p.Stderr, map[string]string{"note": text}, "") // a note that cannot be written is no failure
		return
	}
	fmt.Fprintln(p.Stderr, text)
}

// Print prints a command's result: v as JSON if that was asked for, and otherwise what text prints. It returns an error
// if the result could not be written, so that a command that is only there to be read ends.
func (p *Printer) Print(v any, text func()) error { return p.print(v, "  ", text) }

// PrintLine prints one result of many: v as JSON on a line of its own, or what text prints.
func (p *Printer) PrintLine(v any, text func()) error { return p.print(v, "", text) }

func (p *Printer) print(v any, indent string, text func()) error {
	if p.JSON {
		return Encode(p.Stdout, v, indent)
	}
	text()
	return p.Stdout.Err()
}

// Encode writes v to w as JSON, with <, > and & as they are, and what acts on a terminal escaped.
func Encode(w io.Writer, v any, indent string) error {
	enc := json.NewEncoder(InertJSON{w})
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	return enc.Encode(v)
}

// InertJSON writes JSON, of which each Write has to be whole characters, to W, with escapes in place of what acts on a
// terminal: encoding/json leaves most of that as it is, beyond ASCII's own.
type InertJSON struct{ W io.Writer }

// Write writes b.
func (j InertJSON) Write(b []byte) (int, error) {
	acts := func(r rune) bool { return r > ' ' && brief.Deceives(r) } // below, it is white space between values
	if !bytes.ContainsFunc(b, acts) {
		return j.W.Write(b)
	}
	var safe bytes.Buffer
	for _, r := range string(b) {
		if acts(r) {
			fmt.Fprintf(&safe, `\u%04x`, r)
		} else {
			safe.WriteRune(r)
		}
	}
	if _, err := j.W.Write(safe.Bytes()); err != nil {
		return 0, err
	}
	return len(b), nil
}
