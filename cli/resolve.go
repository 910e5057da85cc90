package cli

import (
	"fmt"
	"strings"

	"natster/events"
)

// account returns whom text means: an account key, or the name of a contact or of one of this user's contexts.
func (cs Contacts) account(text string) (events.Account, error) {
	a, err := events.ParseAccount(text)
	if err == nil {
		return a, nil
	}
	for _, c := range cs {
		if c.Name == text {
			return c.Account, nil
		}
	}
	if near := closest(text, cs.names()); near != "" {
		return a, hint(fmt.Errorf("nobody is called %s; did you mean %s?", quoted(text), near), "contacts ls")
	}
	if looksLikeKey(text) {
		return a, hint(fmt.Errorf("%s is no account key: a letter is wrong, missing or too many", quoted(text)), "contacts ls")
	}
	if !nameForm.MatchString(text) {
		return a, hint(err, "contacts ls")
	}
	return a, hint(fmt.Errorf("nobody is called %s: not an account key and no contact's name", quoted(text)), "contacts add %s KEY", text)
}

func looksLikeKey(s string) bool {
	return len(s) > 40 && s[0] == 'A' && strings.ToUpper(s) == s
}

// pick returns the one of candidates that is called name, or an error that says what may have been meant. Kind is the word
// for what has no such name, as in "no catalog of yours".
func pick[T any](name, kind string, candidates []T, nameOf func(T) string, hintArgs string) (T, error) {
	var names []string
	for _, c := range candidates {
		if nameOf(c) == name {
			return c, nil
		}
		names = append(names, nameOf(c))
	}
	var none T
	if near := closest(name, names); near != "" {
		return none, hint(fmt.Errorf("%s is called %s; did you mean %s?", kind, quoted(name), near), "%s", hintArgs)
	}
	return none, hint(fmt.Errorf("%s is called %s", kind, quoted(name)), "%s", hintArgs)
}
