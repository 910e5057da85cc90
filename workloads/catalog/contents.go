package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"strings"
	"time"

	"natster/events"
	"natster/internal/brief"
)

// Limits of a listing. MaxEntries bounds what a hostile server can make a client hold; a library has the same limit.
const (
	MaxEntries     = 1_000_000
	MaxDescription = 4096    // bytes; what is longer is cut
	MaxImage       = 1 << 18 // bytes; what is longer is dropped
)

// DefaultMIMEType is the type of what has no better one.
const DefaultMIMEType = "application/octet-stream"

// ErrContents is wrapped by every error about bytes that are no listing of a catalog.
var ErrContents = errors.New("not a catalog's contents")

// An Entry is one file of a catalog:
//
//	{"path":"films/a.mp4","description":"","mime_type":"video/mp4","byte_size":1048576,"hash":"9f86d0…","mtime":1565157904}
type Entry struct {
	Path        string      `json:"path"` // relative to the catalog's directory, slash separated; see [CheckPath]
	Description string      `json:"description"`
	MIMEType    string      `json:"mime_type"` // type/subtype in lower case, without parameters
	Size        int64       `json:"byte_size"`
	Hash        events.Hash `json:"hash"`
	Modified    int64       `json:"mtime,omitempty"` // addition: when the file was last modified, in Unix seconds; 0: not known
}

// ModTime is when the file was last modified, or the zero time where that is not known.
func (e Entry) ModTime() time.Time {
	if e.Modified == 0 {
		return time.Time{}
	}
	return time.Unix(e.Modified, 0)
}

// Contents is what a catalog holds, and the data of the reply to `get`. Entries are sorted by path; two paths with the
// same content are two entries with the same hash.
type Contents struct {
	Name        events.Catalog `json:"name"`
	Description string         `json:"description"`
	Image       string         `json:"image,omitempty"`
	Revision    int64          `json:"revision,omitempty"` // addition: grows with every change, as in the heartbeat
	Entries     []Entry        `json:"entries"`

	// Refused are the entries of a foreign listing that were left out, and why.
	Refused []Refusal `json:"-"`
}

// A Refusal is an entry of a foreign listing that [ParseContents] left out. Path is foreign text: print it quoted.
type Refusal struct {
	Path string
	Err  error
}

// Size is how many bytes all entries hold together.
func (c Contents) Size() int64 {
	var n int64
	for _, e := range c.Entries {
		n += e.Size
	}
	return n
}

// ParseContents reads a listing from a server that nobody vouches for. What is no listing at all gives an error that
// wraps [ErrContents]; a bad entry does not spoil the others, but is left out and reported in Refused: one whose path
// fails [CheckPath], is listed twice or lies below another entry as if that were a directory, whose size is negative,
// whose hash is none or whose fields have the wrong type, and all beyond [MaxEntries]. What remains can be created in
// an empty directory as it stands. A MIME type that is none becomes [DefaultMIMEType]; control characters in
// descriptions become spaces; a time that is none counts as not known. Fields that are not known are passed over.
//
// An original server's listing is taken as it is meant: one leading slash of a path is no part of it, and the
// description that it gives files without one is none.
func ParseContents(data []byte) (Contents, error) {
	var w struct {
		Name        events.Catalog    `json:"name"`
		Description string            `json:"description"`
		Image       string            `json:"image"`
		Revision    int64             `json:"revision"`
		Entries     []json.RawMessage `json:"entries"`
	}
	if err := json.Unmarshal(data, &w); err != nil {
		return Contents{}, fmt.Errorf("%w: %w", ErrContents, err)
	}
	if w.Name.IsZero() {
		return Contents{}, fmt.Errorf("%w: it has no name", ErrContents)
	}
	c := Contents{Name: w.Name, Description: CleanDescription(w.Description), Revision: max(0, w.Revision)}
	if len(w.Image) <= MaxImage && badCharacter(w.Image) == "" {
		c.Image = w.Image
	}
	raw := w.Entries[:min(len(w.Entries), MaxEntries)]
	c.Entries = make([]Entry, 0, len(raw))
	seen := make(map[string]bool, len(raw))
	for _, r := range raw {
		e, err := parseEntry(r)
		if err == nil && seen[e.Path] {
			err = fmt.Errorf("%q: %w: it is listed twice", brief.Clip(e.Path), ErrPath)
		}
		if err != nil {
			c.Refused = append(c.Refused, Refusal{e.Path, err})
			continue
		}
		seen[e.Path] = true
		c.Entries = append(c.Entries, e)
	}
	if n := len(w.Entries) - len(raw); n > 0 {
		c.Refused = append(c.Refused, Refusal{"",
			fmt.Errorf("%d more entries: a listing has at most %d", n, MaxEntries)})
	}
	c.dropBelowFiles(seen)
	return c, nil
}

// dropBelowFiles refuses the entries that lie below another entry, which cannot be both a file and a directory.
func (c *Contents) dropBelowFiles(files map[string]bool) {
	kept := c.Entries[:0]
	for _, e := range c.Entries {
		file := ""
		for i := range len(e.Path) {
			if e.Path[i] == '/' && files[e.Path[:i]] {
				file = e.Path[:i]
				break
			}
		}
		if file != "" {
			c.Refused = append(c.Refused, Refusal{e.Path,
				fmt.Errorf("%q: %w: %q is a file", brief.Clip(e.Path), ErrPath, brief.Clip(file))})
			continue
		}
		kept = append(kept, e)
	}
	clear(c.Entries[len(kept):])
	c.Entries = kept
}

func parseEntry(raw json.RawMessage) (Entry, error) {
	var w struct {
		Entry
		Modified json.RawMessage `json:"mtime"` // an addition: nobody is to be refused for it
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return w.Entry, fmt.Errorf("%w: %w", ErrContents, err)
	}
	e := w.Entry
	e.Path = CleanListed(e.Path)
	e.Modified = parseTime(w.Modified)
	if e.Description == undescribed {
		e.Description = ""
	}
	if err := CheckPath(e.Path); err != nil {
		return e, err
	}
	switch {
	case e.Size < 0:
		return e, fmt.Errorf("%q: %w: its size is negative", brief.Clip(e.Path), ErrContents)
	case e.Hash.IsZero():
		return e, fmt.Errorf("%q: %w: it has no hash", brief.Clip(e.Path), ErrContents)
	}
	e.MIMEType = CleanMIMEType(e.MIMEType)
	e.Description = CleanDescription(e.Description)
	return e, nil
}

// undescribed is how an original server describes what nobody has described.
const undescribed = "Auto-imported library entry"

// parseTime returns the Unix seconds that raw holds, or 0 when they are none, or no year that programs agree about.
func parseTime(raw json.RawMessage) int64 {
	var n int64
	if json.Unmarshal(raw, &n) != nil {
		return 0
	}
	if year := time.Unix(n, 0).UTC().Year(); year < 1 || year > 9999 {
		return 0
	}
	return n
}

// CleanMIMEType returns type/subtype of s in lower case, or [DefaultMIMEType] when s is no media type.
func CleanMIMEType(s string) string {
	const most = 127 + 1 + 127 // RFC 6838 bounds both names
	t, _, err := mime.ParseMediaType(brief.Clip(s))
	if (err == nil || errors.Is(err, mime.ErrInvalidMediaParameter)) && len(t) <= most && strings.Contains(t, "/") {
		return t
	}
	return DefaultMIMEType
}

// CleanDescription makes s fit to be shown: valid UTF-8 in one line, at most [MaxDescription] bytes, without control
// characters.
func CleanDescription(s string) string {
	if len(s) > MaxDescription {
		s = s[:MaxDescription]
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if deceives(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "")))
}
