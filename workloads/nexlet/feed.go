package nexlet

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"

	"natster/workloads/nexlet/spec"
	"natster/workloads/nexlet/wire"
)

// maxLine is the length of the longest line of a log, in bytes; a longer one is cut.
const maxLine = 32 << 10

// A feed publishes one workload's logs and events. They are lost while there is no connection: nothing may depend on
// them.
type feed struct {
	publish func(subject string, data []byte)
	owner   string // in the subjects: the namespace or, where the nexlet may not publish that, the agent's id
	id      string
	ns      string // the workload's namespace
	recent  recent
}

// A recent keeps the last lines of a log.
type recent struct {
	mu    sync.Mutex
	lines []string
	bytes int
}

// maxRecent bounds the lines kept of each workload, in bytes: a list of many has to fit a message.
const maxRecent = 8 << 10

func (r *recent) add(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
	r.bytes += len(line)
	for r.bytes > maxRecent && len(r.lines) > 1 {
		r.bytes -= len(r.lines[0])
		r.lines = r.lines[1:]
	}
}

func (r *recent) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, "")
}

func (f *feed) stopped(err error) {
	e := wire.WorkloadStoppedEvent{ID: f.id, Namespace: f.ns, Type: spec.Type}
	if err != nil {
		e.Error = &wire.StopReason{Code: wire.CodeAgent, Message: err.Error()}
	}
	f.event(wire.WorkloadStopped, e)
}

func (f *feed) triggered(e wire.WorkloadTriggeredEvent) {
	e.ID, e.Namespace = f.id, f.ns
	f.event(wire.WorkloadTriggered, e)
}

func (f *feed) event(kind string, body any) { f.publish(wire.Events(f.owner, kind), marshal(body)) }

// marshal returns the JSON of v, which has to consist of strings and numbers.
func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// A lines is an io.Writer for one of a workload's two output streams. Each Write is one message.
type lines struct {
	feed   *feed
	stream string // stdout or stderr
}

func (l lines) Write(line []byte) (int, error) {
	n := len(line)
	if n > maxLine {
		line = append(append([]byte(nil), line[:maxLine]...), "…\n"...)
	}
	l.feed.recent.add(l.stream + "\t" + strings.TrimRight(string(line[:min(len(line), maxRecent/2)]), "\n") + "\n")
	l.feed.publish(wire.Logs(l.feed.owner, l.feed.id, l.stream), line)
	return n, nil
}

// logger returns the workload's logger: warnings and errors go to stderr, the rest to stdout, a line each.
func (f *feed) logger(level slog.Level) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	return slog.New(split{
		out: slog.NewTextHandler(lines{f, "stdout"}, o),
		err: slog.NewTextHandler(lines{f, "stderr"}, o),
	})
}

// A split is a handler that sends warnings and errors to err, and the rest to out.
type split struct{ out, err slog.Handler }

func (s split) Enabled(ctx context.Context, l slog.Level) bool { return s.out.Enabled(ctx, l) }

func (s split) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		return s.err.Handle(ctx, r)
	}
	return s.out.Handle(ctx, r)
}

func (s split) WithAttrs(a []slog.Attr) slog.Handler {
	return split{s.out.WithAttrs(a), s.err.WithAttrs(a)}
}

func (s split) WithGroup(g string) slog.Handler { return split{s.out.WithGroup(g), s.err.WithGroup(g)} }
