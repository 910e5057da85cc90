package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"natster/cli/term"
	"natster/events"
	"natster/workloads/catalog"
	"natster/workloads/catalog/library"
	"natster/workloads/catalog/server"
)

// activityLog returns a log that a person reads: who did what, on stdout; warnings and errors, on stderr. With --json
// each entry is an object. If there is a board, the log stands above it.
func (s *session) activityLog(b *board) *slog.Logger {
	level := slog.LevelInfo
	if s.verbose {
		level = slog.LevelDebug
	}
	if s.JSON {
		options := &slog.HandlerOptions{Level: level, ReplaceAttr: inVocabulary}
		return slog.New(slog.NewJSONHandler(term.InertJSON{W: s.Stdout}, options))
	}
	a := &activity{level: level, out: s.Stdout, err: s.Stderr, outStyle: s.Out, errStyle: s.Err, who: s.who,
		mu: new(sync.Mutex), time: time.DateTime}
	if b != nil {
		a.out, a.time = b, time.TimeOnly
		if s.Err.Terminal {
			a.err = b
		}
	}
	return slog.New(a)
}

// inVocabulary gives attributes the names that all JSON of natster has.
func inVocabulary(_ []string, a slog.Attr) slog.Attr {
	switch a.Key {
	case slog.TimeKey:
		a.Value = slog.TimeValue(a.Value.Time().UTC())
	case "caller":
		a.Key = "account"
	}
	return a
}

// An activity is a slog.Handler for a person:
//
//	2006-01-02 15:04:05  bob  reads films  2024/holiday.mp4  1.2 GB
type activity struct {
	level              slog.Level
	out, err           io.Writer
	outStyle, errStyle term.Style
	who                func(events.Account) string
	time               string // layout
	attrs              []slog.Attr
	mu                 *sync.Mutex
}

func (a *activity) Enabled(_ context.Context, l slog.Level) bool { return l >= a.level }

func (a *activity) WithAttrs(attrs []slog.Attr) slog.Handler {
	b := *a
	b.attrs = append(a.attrs[:len(a.attrs):len(a.attrs)], attrs...)
	return &b
}

// WithGroup keeps attributes as they are: their keys alone are clear enough.
func (a *activity) WithGroup(string) slog.Handler { return a }

func (a *activity) Handle(_ context.Context, r slog.Record) error {
	w, style := a.out, a.outStyle
	if r.Level != slog.LevelInfo {
		w, style = a.err, a.errStyle
	}
	who, what := "", r.Message
	var rest []string
	add := func(at slog.Attr) bool {
		text := term.OneLine(at.Value.String())
		clear := slices.Contains([]string{"path", "directory", "what", "err"}, at.Key)
		switch v := at.Value.Resolve().Any().(type) {
		case events.Account:
			if at.Key == "caller" {
				who = style.Bold(a.who(v))
				return true
			}
			text, clear = a.who(v), true
		case events.Catalog:
			what += " " + v.String()
			return true
		case int64:
			if at.Key == "bytes" {
				text, clear = term.Bytes(v), true
			}
		case time.Time:
			text = v.Local().Format(a.time)
		}
		if !clear { // without its key
			text = at.Key + " " + text
		}
		rest = append(rest, text)
		return true
	}
	for _, at := range a.attrs {
		add(at)
	}
	r.Attrs(add)
	words := []string{style.Dim(r.Time.Format(a.time))}
	if r.Level > slog.LevelInfo {
		words = append(words, style.Red("trouble"))
	}
	for _, s := range []string{who, what} {
		if s != "" {
			words = append(words, s)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	_, err := fmt.Fprintln(w, strings.Join(append(words, rest...), "  "))
	return err
}

// requests logs who lists and who reads what. While the output is blocked, it keeps 1024 requests and drops the rest:
// no receiver waits for a log.
type requests struct {
	find  func(events.Catalog) *library.Library // returns nil for a catalog that is not served
	queue chan server.Activity
}

func newRequests(find func(events.Catalog) *library.Library) *requests {
	return &requests{find, make(chan server.Activity, 1024)}
}

// observe takes in what a server did.
func (r *requests) observe(a server.Activity) {
	if a.Verb == events.VerbFetch {
		return
	}
	select {
	case r.queue <- a:
	default:
	}
}

// path returns the path of a file with the hash, or the hash if there is none any more.
func (r *requests) path(c events.Catalog, h events.Hash) string {
	if l := r.find(c); l != nil {
		if e, ok := l.Hash(h); ok {
			return catalog.Shown(e.Path)
		}
	}
	return h.Short()
}

// write logs what was observed until ctx is done.
func (r *requests) write(ctx context.Context, log *slog.Logger) {
	for {
		select {
		case a := <-r.queue:
			who := []any{"caller", a.Caller, "catalog", a.Catalog}
			switch a.Verb {
			case events.VerbGet:
				log.Info("lists", who...)
			case events.VerbDownload:
				log.Info("reads", append(who, "path", r.path(a.Catalog, a.Hash), "bytes", a.Size)...)
			}
		case <-ctx.Done():
			return
		}
	}
}
