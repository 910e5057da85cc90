package library

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"

	"natster/events"
	"natster/internal/private"
	"natster/workloads/catalog"
)

// ErrCatalogFile is wrapped by every error about a catalog file that cannot be read as one.
var ErrCatalogFile = errors.New("not a catalog file")

// A document is a catalog file. Its JSON is the reply to `get` with more: the directory, the disks that it is on, and
// for each entry the stamp by which a rescan knows the file again. One entry is one line, so that a person can edit the
// descriptions:
//
//	{"name":"films","description":"…","revision":1767225600,"directory":"/home/a/films",
//	"disks":{".":"803.8f….2"},"entries":[
//	{"path":"a.mp4","description":"…","mime_type":"video/mp4","byte_size":1048576,"hash":"9f86…","mtime":1767225600,
//	"stamp":"1767225600000000000.7.1767225600000000000"}
//	]}
type document struct {
	name        events.Catalog
	description string
	image       string
	revision    int64
	directory   string
	disks       map[string]disk // of each part of the directory; see [Away]
	records     []record        // sorted by path
}

// A record is an entry and what a rescan must know of its file.
type record struct {
	catalog.Entry
	stamp stamp
	link  bool // the path is a symbolic link: its target can change unnoticed, so every look includes it
}

// parseDocument reads a catalog file, which its owner may have edited. It refuses what is not a valid catalog file with
// [ErrCatalogFile], naming the entry at fault; paths that no catalog may list are passed over, since the next scan does
// not find them either.
func parseDocument(data []byte) (document, error) {
	var w struct {
		Name        events.Catalog  `json:"name"`
		Description string          `json:"description"`
		Image       string          `json:"image"`
		Revision    int64           `json:"revision"`
		Directory   string          `json:"directory"`
		Disks       map[string]disk `json:"disks"`
		Entries     []struct {
			catalog.Entry
			Stamp string `json:"stamp"`
		} `json:"entries"`
	}
	if err := json.Unmarshal(data, &w); err != nil {
		return document{}, fmt.Errorf("%w: %w", ErrCatalogFile, err)
	}
	switch {
	case w.Name.IsZero():
		return document{}, fmt.Errorf("%w: it has no name", ErrCatalogFile)
	case len(w.Entries) > catalog.MaxEntries:
		return document{}, fmt.Errorf("%w: it has more than %d entries", ErrCatalogFile, catalog.MaxEntries)
	case w.Revision < 0 || w.Revision >= 1<<53:
		return document{}, fmt.Errorf("%w: revision %d", ErrCatalogFile, w.Revision)
	case len(w.Image) > catalog.MaxImage:
		return document{}, fmt.Errorf("%w: its image is longer than %d bytes", ErrCatalogFile, catalog.MaxImage)
	}
	d := document{
		name: w.Name, description: catalog.CleanDescription(w.Description), image: w.Image,
		revision:  inSeconds(w.Revision),
		directory: w.Directory, disks: w.Disks, records: make([]record, 0, len(w.Entries)),
	}
	maps.DeleteFunc(d.disks, func(p string, _ disk) bool { return p != "." && catalog.CheckPath(p) != nil })
	types := make(map[string]string) // shared among the entries of one type
	for i := range w.Entries {
		e, text := w.Entries[i].Entry, w.Entries[i].Stamp
		switch {
		case catalog.CheckPath(e.Path) != nil:
			continue
		case e.Size < 0:
			return document{}, fmt.Errorf("%w: %q: byte_size %d", ErrCatalogFile, e.Path, e.Size)
		case e.Hash.IsZero():
			return document{}, fmt.Errorf("%w: %q: it has no hash", ErrCatalogFile, e.Path)
		}
		if e.Description != "" {
			e.Description = catalog.CleanDescription(e.Description)
		}
		if _, known := types[e.MIMEType]; !known {
			types[e.MIMEType] = catalog.CleanMIMEType(e.MIMEType)
		}
		e.MIMEType = types[e.MIMEType]
		d.records = append(d.records, record{Entry: e, stamp: parseStamp(e.Size, text)})
	}
	byPath := func(a, b record) int { return strings.Compare(a.Path, b.Path) }
	if !slices.IsSortedFunc(d.records, byPath) {
		slices.SortStableFunc(d.records, byPath)
	}
	d.records = slices.CompactFunc(d.records, func(a, b record) bool { return a.Path == b.Path })
	return d, nil
}

// inSeconds is a revision in Unix seconds; older versions wrote milliseconds.
func inSeconds(revision int64) int64 {
	const millisecondsSince2004 = 1 << 40
	if revision >= millisecondsSince2004 {
		return revision / 1000
	}
	return revision
}

// fileStamp is the stamp of the catalog file, by which an edit is noticed; zero if there is none.
func fileStamp(path string) stamp {
	fi, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return withoutCtime(stampOf(fi))
}

// withoutCtime is s without what the rename that puts a catalog file in its place sets.
func withoutCtime(s stamp) stamp {
	s.ctime = 0
	return s
}

// readDocument reads a catalog file; a file that does not exist gives an error that wraps [fs.ErrNotExist].
func readDocument(path string) (document, stamp, error) {
	at := fileStamp(path) // before the content: an edit in between shows as a difference later
	data, err := os.ReadFile(path)
	if err != nil {
		return document{}, stamp{}, err
	}
	d, err := parseDocument(data)
	if err != nil {
		return document{}, at, fmt.Errorf("%s: %w", path, err)
	}
	return d, at, nil
}

// ReadFile returns what the catalog file at path lists and the directory it is about, without a look at the directory.
// The error wraps [ErrCatalogFile] or [fs.ErrNotExist].
func ReadFile(path string) (c catalog.Contents, dir string, err error) {
	d, _, err := readDocument(path)
	if err != nil {
		return catalog.Contents{}, "", fmt.Errorf("library: %w", err)
	}
	return newSnapshot(d, sight{}).contents(), d.directory, nil
}

// writeDocument replaces the catalog file atomically: a reader sees the old or the new one, also after a crash.
func writeDocument(path string, dir string, s *snapshot) (at stamp, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write the catalog file: %s: %w", path, causeOf(err))
		}
	}()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return stamp{}, err
	}
	f, err := private.Create(path)
	if err != nil {
		return stamp{}, err
	}
	defer f.Discard()
	w := bufio.NewWriterSize(f, 256<<10)
	b := make([]byte, 0, 1024)
	b = appendField(b, `{"name":`, s.name.String())
	b = appendField(b, `,"description":`, s.description)
	if s.image != "" {
		b = appendField(b, `,"image":`, s.image)
	}
	b = strconv.AppendInt(append(b, `,"revision":`...), s.revision, 10)
	b = appendField(b, `,"directory":`, dir)
	if len(s.disks) > 0 {
		disks, _ := json.Marshal(s.disks) // strings: it cannot fail
		b = append(append(b, `,"disks":`...), disks...)
	}
	b = append(b, `,"entries":[`...)
	for i := range s.entries {
		b = appendEntry(b, &s.entries[i], s.marks[i].stamp, i > 0)
		w.Write(b) // a failed write also fails Flush
		b = b[:0]
	}
	b = append(b, "\n]}\n"...)
	w.Write(b)
	if err := w.Flush(); err != nil {
		return stamp{}, err
	}
	fi, err := f.Stat()
	if err != nil {
		return stamp{}, err
	}
	if err := f.Replace(); err != nil {
		return stamp{}, err
	}
	return withoutCtime(stampOf(fi)), nil
}

func appendEntry(b []byte, e *catalog.Entry, s stamp, comma bool) []byte {
	if comma {
		b = append(b, ',')
	}
	b = appendField(b, "\n{\"path\":", e.Path)
	b = appendField(b, `,"description":`, e.Description)
	b = appendField(b, `,"mime_type":`, e.MIMEType)
	b = strconv.AppendInt(append(b, `,"byte_size":`...), e.Size, 10)
	b = fmt.Appendf(b, `,"hash":"%x"`, e.Hash[:])
	if e.Modified != 0 {
		b = strconv.AppendInt(append(b, `,"mtime":`...), e.Modified, 10)
	}
	b = append(b, `,"stamp":"`...)
	return append(s.text(b), `"}`...)
}

func appendField(b []byte, key, value string) []byte {
	b = append(b, key...)
	plain := utf8.ValidString(value)
	for i := 0; plain && i < len(value); i++ {
		plain = value[i] >= ' ' && value[i] != '"' && value[i] != '\\'
	}
	if plain {
		b = append(b, '"')
		b = append(b, value...)
		return append(b, '"')
	}
	var quoted bytes.Buffer
	enc := json.NewEncoder(&quoted)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(value) // a string: it cannot fail
	return append(b, bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))...)
}

// causeOf is err without the paths, of which one is random: the same trouble says the same.
func causeOf(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}

// isMissing reports whether err says that there is no such file, or no such directory on the way to it.
func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
