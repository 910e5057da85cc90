package events

import (
	"bytes"
	"encoding/json"
)

// readCanonical reads a body in the very form that [Encode] writes, at a fifth of the cost of reading any JSON: replays
// read millions. It reports false, and e is to be thrown away, for any other form; the bodies that it reads mean the
// same to package json.
func readCanonical(body []byte, e *Event) bool {
	rest, ok := bytes.CutPrefix(body, []byte(`{"type":"`))
	if !ok {
		return false
	}
	text := func() (string, bool) {
		end := bytes.IndexByte(rest, '"')
		if end <= 0 {
			return "", false
		}
		for _, c := range rest[:end] {
			if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '_' {
				return "", false
			}
		}
		s := string(rest[:end])
		rest = rest[end+1:]
		return s, true
	}
	field := func(name string) bool {
		after, ok := bytes.CutPrefix(rest, []byte(name))
		if ok {
			rest = after
		}
		return ok
	}
	t, ok := text()
	if !ok {
		return false
	}
	e.Type = Type(t)
	for _, f := range []struct {
		name string
		into *Account
	}{{`,"origin":"`, &e.Origin}, {`,"target":"`, &e.Target}} {
		if !field(f.name) {
			continue
		}
		s, ok := text()
		if !ok {
			return false
		}
		a, err := ParseAccount(s)
		if err != nil {
			return false
		}
		*f.into = a
	}
	if field(`,"catalog":"`) {
		s, ok := text()
		if !ok {
			return false
		}
		c, err := ParseCatalog(s)
		if err != nil {
			return false
		}
		e.Catalog = c
	}
	if field(`,"data":`) {
		if len(rest) < 3 || rest[len(rest)-1] != '}' {
			return false
		}
		data := rest[:len(rest)-1]
		if data[0] != '{' || data[len(data)-1] != '}' || !json.Valid(data) {
			return false
		}
		e.Data = bytes.Clone(data)
		return true
	}
	return string(rest) == "}"
}
