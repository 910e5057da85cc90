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

// Limits of a listing. MaxEntries bounds what a hostile server can make a client keep; a library has the same limit.
const (
	MaxEntries     = 1_000_000
	MaxListing     = 256 << 20 // bytes of the texts of all entries together; the entries beyond are left out
	MaxRefused     = 1000      // entries that were left out and are told one by one
	MaxDescription = 4096      // bytes; a longer one is cut
	MaxImage       = 1 << 18   // bytes; a larger one is left out
)

// DefaultMIMEType is the type of a file whose type is not known.
const DefaultMIMEType = "application/octet-stream"

// ErrContents is wrapped by every error about bytes that are not a catalog's listing.
var ErrContents = errors.New("not a catalog's contents")

// An Entry is one file of a catalog:
//
//	{"path":"films/a.mp4","description":"","mime_type":"video/mp4","byte_size":1048576,"hash":"9f86d0…",
//	 "mtime":1565157904}
type Entry struct {
	Path        string      `json:"path"` // relative to the catalog's directory, slash separated; see [CheckPath]
	Description string      `json:"description"`
	MIMEType    string      `json:"mime_type"` // type/subtype in lower case, without parameters
	Size        int64       `json:"byte_size"`
	Hash        events.Hash `json:"hash"`
	Modified    int64       `json:"mtime,omitempty"` // addition: last modification in Unix seconds; 0: not known
}

// ModTime returns when the file was last modified, or the zero time if that is not known.
func (e Entry) ModTime() time.Time {
	if e.Modified == 0 {
		return time.Time{}
	}
	return time.Unix(e.Modified, 0)
}

// Contents is what a catalog holds. Entries are sorted by path; two paths with the same content are two entries with
// the same hash. As JSON it is the data of the whole reply to `get`.
type Contents struct {
	Name        events.Catalog `json:"name"`
	Description string         `json:"description"`
	Image       string         `json:"image,omitempty"`
	Revision    int64          `json:"revision,omitempty"` // addition: grows with every change, as in the heartbeat
	Entries     []Entry        `json:"entries"`

	// Refused are the entries of another account's listing that were left out, and why. After [MaxRefused] the last
	// one says how many more there are.
	Refused []Refusal `json:"-"`
}

// A Refusal is an entry that [GetReply.Contents] left out. Path is text from another account: print it quoted. A long
// one is cut.
type Refusal struct {
	Path string
	Err  error
}

// Size returns the bytes of all entries together.
func (c Contents) Size() int64 {
	var n int64
	for _, e := range c.Entries {
		n += e.Size
	}
	return n
}

// Contents reads a listing from a server that is not trusted. Without a name it is not a listing: the error wraps
// [ErrContents]. A bad entry does not spoil the others, but is left out and reported in Refused: one whose path fails
// [CheckPath], is listed twice or is below another entry as if that were a directory, whose size is negative, that has
// no hash or fields of the wrong type, and all entries beyond [MaxEntries] or [MaxListing]. The rest can be created in
// an empty directory as it is. An invalid MIME type becomes [DefaultMIMEType]; control characters in descriptions
// become spaces; an invalid time counts as not known.
//
// An original server's listing is read as it is meant: a leading slash is not part of a path, and the description that
// it gives every file is left out.
func (r GetReply) Contents() (Contents, error) {
	var l Listing
	if err := l.Add(r); err != nil {
		return Contents{}, err
	}
	return l.Contents(), nil
}

// parseEntry reads an entry. Where it fails, the entry returned has the path, as far as that could be read.
func parseEntry(raw json.RawMessage) (Entry, error) {
	var w struct {
		Entry
		Modified json.RawMessage `json:"mtime"` // an addition, for which no entry is refused
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return w.Entry, fmt.Errorf("%w: %s", ErrContents, brief.Clip(err.Error()))
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

// undescribed is the description that an original server gives every file.
const undescribed = "Auto-imported library entry"

// parseTime returns the Unix seconds in raw, or 0 if they are invalid or in a year that not every program can show.
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

// CleanMIMEType returns type/subtype of s in lower case, or [DefaultMIMEType] if s is not a media type.
func CleanMIMEType(s string) string {
	const most = 127 + 1 + 127 // RFC 6838 bounds both names
	t, _, err := mime.ParseMediaType(brief.Clip(s))
	if (err == nil || errors.Is(err, mime.ErrInvalidMediaParameter)) && len(t) <= most && strings.Contains(t, "/") {
		return t
	}
	return DefaultMIMEType
}

// CleanDescription makes s fit to be shown: one line of valid UTF-8 without control characters, of at most
// [MaxDescription] bytes.
func CleanDescription(s string) string {
	if len(s) > MaxDescription {
		s = strings.Clone(s[:MaxDescription]) // the rest is not to be kept
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if brief.Deceives(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "")))
}
