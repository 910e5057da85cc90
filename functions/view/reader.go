package view

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"sync"
	"time"

	"natster/internal/backoff"
	"natster/internal/jet"
)

// checkpointKey is the one key of a projection's bucket that stands outside any generation.
const checkpointKey = "checkpoint"

// A Checkpoint says which generation of a projection's documents is the one to read, and up to which position of the
// log it has folded. Documents are written before it, so they reflect at least that position.
type Checkpoint struct {
	Generation uint64 `json:"generation"` // documents stand under `<generation>.<key>`
	Position   uint64 `json:"position"`
	// Next is the generation that the latest rebuild writes, until it is the one to read; 0 when there is none.
	Next uint64 `json:"next,omitempty"`
}

// CheckpointKey is the key of a projection's checkpoint.
func (b Bucket) CheckpointKey() string { return checkpointKey }

// DocKey is the full key of a document of generation gen.
func DocKey(gen uint64, key string) string { return strconv.FormatUint(gen, 10) + "." + key }

// A Stored is a document as a projection's bucket keeps it: with the position of the event that last changed it, so
// that folding an event again changes nothing.
type Stored[D any] struct {
	Position uint64 `json:"position"`
	Doc      D      `json:"doc"`
}

// A Found is a document as a read found it.
type Found struct {
	Key      string // without the generation
	Value    []byte // nil when it was deleted
	Deleted  uint64 // position of the event that deleted it, if that was noted
	Revision uint64
	Time     time.Time // when it was put
}

// A Snapshot is documents of one projection and the checkpoint they belong to, read from one state.
type Snapshot struct {
	Checkpoint
	Revision uint64 // of the checkpoint; 0 when there is none yet
	Found    []Found
}

// ErrBehind is wrapped by a read whose context ended before the projection reflected the position.
var ErrBehind = errors.New("the projection has not caught up yet")

// A Reader reads projections. It is safe for concurrent use.
type Reader struct {
	direct *jet.Direct

	mu          sync.Mutex
	generations map[string]uint64 // the one last seen, by bucket
}

// NewReader returns a reader over direct.
func NewReader(direct *jet.Direct) *Reader {
	return &Reader{direct: direct, generations: make(map[string]uint64)}
}

// Read returns the documents that the patterns match (`*` and `>` as in subjects) from one state of the bucket that
// reflects at least position min of the log. It waits for that as long as ctx allows, and then returns [ErrBehind].
// More than [jet.MaxLast] documents are [jet.ErrTooMany]: see [Reader.Page].
func (r *Reader) Read(ctx context.Context, b Bucket, min uint64, patterns ...string) (Snapshot, error) {
	for attempt := 0; ; attempt++ {
		s, err := r.read(ctx, b, patterns)
		if err != nil {
			return Snapshot{}, err
		}
		if s.Position >= min {
			return s, nil
		}
		if backoff.Sleep(ctx, readPause(attempt)) != nil {
			return Snapshot{}, fmt.Errorf("%w: %s reflects position %d, wanted %d", ErrBehind, b.Name, s.Position, min)
		}
	}
}

// readPause paces the reads of a caller who waits for its own write: a projection is usually behind by a fraction of a
// millisecond, and a caller who waits for long may wait a little longer: a position that never comes must cost little.
var readPause = backoff.Doubling(200*time.Microsecond, 100*time.Millisecond)

// read reads once, and again only when the generation turns out to be another than the last one seen.
func (r *Reader) read(ctx context.Context, b Bucket, patterns []string) (Snapshot, error) {
	for {
		r.mu.Lock()
		gen := max(r.generations[b.Name], 1)
		r.mu.Unlock()
		filters := make([]string, 1, 1+len(patterns))
		filters[0] = b.Subject(checkpointKey)
		for _, p := range patterns {
			filters = append(filters, b.Subject(DocKey(gen, p)))
		}
		got, err := r.direct.Last(ctx, b.Stream(), filters...)
		if err != nil {
			return Snapshot{}, err
		}
		s := Snapshot{Checkpoint: Checkpoint{Generation: 1}}
		for _, m := range got {
			if key := b.Key(m.Subject); key == checkpointKey {
				if err := json.Unmarshal(m.Data, &s.Checkpoint); err != nil {
					return Snapshot{}, fmt.Errorf("checkpoint of %s: %w", b.Name, err)
				}
				s.Revision = m.Sequence
			} else {
				s.Found = append(s.Found, found(key, m))
			}
		}
		if s.Generation == gen {
			return s, nil
		}
		r.mu.Lock()
		r.generations[b.Name] = s.Generation
		r.mu.Unlock()
	}
}

// HeaderPosition is, on the marker of a document that a projection deleted, the position of the event that deleted it.
const HeaderPosition = "Natster-Position"

// found strips the generation, which is all digits, off the key.
func found(key string, m jet.Message) Found {
	_, key, _ = strings.Cut(key, ".")
	f := Found{Key: key, Value: m.Data, Revision: m.Sequence, Time: m.Time}
	if jet.Deleted(m.Header) {
		f.Value = nil
		f.Deleted, _ = strconv.ParseUint(m.Header.Get(HeaderPosition), 10, 64) // markers that others make do not say
	}
	return f
}

// Page returns up to limit documents that the pattern matches, from revision from on, and the revision to go on from, 0
// at the end. It is for sets larger than one [Reader.Read]; a document that changes meanwhile comes again, none is
// missed.
func (r *Reader) Page(ctx context.Context, b Bucket, gen uint64, pattern string, from uint64, limit int,
) (page []Found, next uint64, err error) {
	got, err := r.direct.Range(ctx, b.Stream(), b.Subject(DocKey(gen, pattern)), from, limit)
	if err != nil {
		return nil, 0, err
	}
	if len(got) == 0 {
		return nil, 0, nil
	}
	page = make([]Found, len(got))
	for i, m := range got {
		page[i] = found(b.Key(m.Subject), m)
	}
	return page, got[len(got)-1].Sequence + 1, nil
}

// Entries returns the documents that stand under the keys in a bucket that is not a projection, those that are there.
func (r *Reader) Entries(ctx context.Context, b Bucket, keys ...string) ([]Found, error) {
	filters := make([]string, len(keys))
	for i, k := range keys {
		filters[i] = b.Subject(k)
	}
	got, err := r.direct.Last(ctx, b.Stream(), filters...)
	if err != nil {
		return nil, err
	}
	var entries []Found
	for _, m := range got {
		f := found("."+b.Key(m.Subject), m)
		if f.Value != nil {
			entries = append(entries, f)
		}
	}
	return entries, nil
}

// placed is a document that knows its key. JetStream sends the answer to a read wherever the reader wants it, so a user
// who may read anything can copy it under any key; a document is believed only where it belongs.
type placed interface{ belongs(key string) bool }

func (a Account) belongs(key string) bool { return key == AccountKey(a.Account) }
func (c Catalog) belongs(key string) bool { return key == CatalogKey(c.Owner, c.Catalog) }
func (l Login) belongs(key string) bool   { return key == LoginKey(l.OAuthID) }
func (s Share) belongs(key string) bool {
	return key == ShareByKey(s.From, s.Catalog, s.To) || key == ShareToKey(s.To, s.From, s.Catalog)
}

// Doc decodes a found document of type D; ok is false when there is none, or none that belongs under its key.
func Doc[D any](f Found) (s Stored[D], ok bool, err error) {
	if f.Value == nil {
		return s, false, nil
	}
	if err := json.Unmarshal(f.Value, &s); err != nil {
		return s, false, fmt.Errorf("document %s: %w", f.Key, err)
	}
	if d, placed := any(s.Doc).(placed); placed && !d.belongs(f.Key) {
		return Stored[D]{}, false, nil
	}
	return s, true, nil
}

// One returns the document of type D in a read of one key; ok is false when there is none.
func One[D any](s Snapshot) (doc D, ok bool, err error) {
	if len(s.Found) == 0 {
		return doc, false, nil
	}
	stored, ok, err := Doc[D](s.Found[0])
	return stored.Doc, ok, err
}

// SharesIn are the shares in documents of [Shares], without those that were taken back. An error comes in the place of
// a share.
func SharesIn(found []Found) iter.Seq2[Share, error] {
	return func(yield func(Share, error) bool) {
		for _, f := range found {
			if s, ok, err := shareIn(f); (ok || err != nil) && !yield(s, err) {
				return
			}
		}
	}
}

// AnyShare reports whether a read of [Shares] found a share; documents that are too many for one read hold some.
func AnyShare(s Snapshot, err error) (bool, error) {
	if errors.Is(err, jet.ErrTooMany) {
		return true, nil
	}
	for _, err := range SharesIn(s.Found) {
		return err == nil, err
	}
	return false, err
}
