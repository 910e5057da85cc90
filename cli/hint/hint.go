// Package hint says what to type next: after an error, and for a word that was mistyped.
//
//	hint.go     errors that come with a command line
//	closest.go  what a mistyped word most likely meant
package hint

import (
	"errors"
	"fmt"

	"natster/cli/term"
)

// hinted is an error that comes with something to type.
type hinted struct {
	error
	line string
}

func (h *hinted) Unwrap() error { return h.error }

// Add adds a command line that could help, without the program's name, to an error.
func Add(err error, format string, args ...any) error {
	return &hinted{err, fmt.Sprintf(format, args...)}
}

// Of returns the command line that err comes with, or nothing.
func Of(err error) string {
	if h, ok := errors.AsType[*hinted](err); ok {
		return h.line
	}
	return ""
}

// Pick returns the one of candidates that is called name, or an error that says what may have been meant. Kind is the
// phrase for what has no such name, as in "no catalog of yours"; line is added to the error.
func Pick[T any](name, kind string, candidates []T, nameOf func(T) string, line string) (T, error) {
	var names []string
	for _, c := range candidates {
		if nameOf(c) == name {
			return c, nil
		}
		names = append(names, nameOf(c))
	}
	var none T
	meant := ""
	if near := Closest(name, names); near != "" {
		meant = "; did you mean " + near + "?"
	}
	return none, Add(fmt.Errorf("%s is called %s%s", kind, term.Quoted(name), meant), "%s", line)
}
