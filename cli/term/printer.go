package term

import (
	"encoding/json"
	"fmt"
	"io"
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

// Say prints a line for a person on stdout. With JSON it prints nothing.
func (p *Printer) Say(format string, args ...any) {
	if !p.JSON {
		fmt.Fprintf(p.Stdout, format+"\n", args...)
	}
}

// Note prints a line beside the result, on stderr. With JSON it is {"note":"…"}.
func (p *Printer) Note(format string, args ...any) {
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

// Encode writes v to w as JSON, with <, > and & as they are.
func Encode(w io.Writer, v any, indent string) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	return enc.Encode(v)
}
