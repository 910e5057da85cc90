// Package hint says what to type next: after an error, and for a word that was mistyped.
//
//	hint.go     errors that come with a command line
//	closest.go  what a mistyped word most likely meant
package hint

import (
	"errors"
	"fmt"
	"slices"

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
	names := Names(candidates, nameOf)
	if i := slices.Index(names, name); i >= 0 {
		return candidates[i], nil
	}
	var none T
	return none, Add(fmt.Errorf("%s is called %s%s", kind, term.Quoted(name), Meant(name, names)), "%s", line)
}

// Names returns the names of all, in their order.
func Names[T any](all []T, nameOf func(T) string) []string {
	var names []string
	for _, x := range all {
		names = append(names, nameOf(x))
	}
	return names
}

// Meant returns the end of the sentence about a word that was mistyped, "; did you mean …?", or nothing if none of
// candidates is near.
func Meant(word string, candidates []string) string {
	if near := Closest(word, candidates); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}
