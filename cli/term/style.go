package term

import (
	"io"
	"os"

	xterm "golang.org/x/term"
)

// A Style says how a stream may be written to. Its methods colour text, where there are colours.
type Style struct {
	Terminal bool
	Colours  bool
	Width    int // columns of the terminal as the command began, or 0
}

// StyleOf returns the style of w.
func StyleOf(w io.Writer, getenv func(string) string) Style {
	f, ok := w.(*os.File)
	if !ok || !xterm.IsTerminal(int(f.Fd())) {
		return Style{}
	}
	s := Style{Terminal: true, Colours: getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"}
	s.Width, _ = Dimensions(w)
	return s
}

// Dimensions returns how many columns and rows the terminal w has now, or 0 if that is not known.
func Dimensions(w io.Writer) (columns, rows int) {
	f, ok := w.(*os.File)
	if !ok {
		return 0, 0
	}
	columns, rows, err := xterm.GetSize(int(f.Fd()))
	if err != nil {
		return 0, 0
	}
	return columns, rows
}

func (s Style) paint(code, text string) string {
	if !s.Colours || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + s.cell(text) + "\x1b[0m"
}

// Bold returns text in bold.
func (s Style) Bold(text string) string { return s.paint("1", text) }

// Dim returns text in a weaker colour.
func (s Style) Dim(text string) string { return s.paint("2", text) }

// Red returns text in red.
func (s Style) Red(text string) string { return s.paint("31", text) }

// Green returns text in green.
func (s Style) Green(text string) string { return s.paint("32", text) }

// Cyan returns text in cyan.
func (s Style) Cyan(text string) string { return s.paint("36", text) }
