package world

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
)

// serverLog is the NATS server's logger. The server's notices are ours to debug; its fatal error is Start's error, which
// the server itself would have exited the process for.
type serverLog struct {
	to     *slog.Logger
	broken func(why string) // told when the server could not write
	mu     sync.Mutex
	fatal  string
}

var _ server.Logger = (*serverLog)(nil)

func (l *serverLog) log(level slog.Level, format string, v []any) {
	if l.to.Enabled(context.Background(), level) {
		l.to.Log(context.Background(), level, fmt.Sprintf(format, v...), "from", "nats-server")
	}
}

func (l *serverLog) Noticef(format string, v ...any) { l.log(slog.LevelDebug, format, v) }

// Errorf passes errors on, but for those of writing: the world deals with them, and says so itself.
func (l *serverLog) Errorf(format string, v ...any) {
	if !isWriteError(format) {
		l.log(slog.LevelError, format, v)
		return
	}
	l.log(slog.LevelDebug, format, v)
	l.broken(fmt.Sprintf(format, v...))
}

// isWriteError tells by its format whether the server says that it could not write, and so will not write any more.
func isWriteError(format string) bool {
	format = strings.ToLower(format)
	return strings.Contains(format, "write error") || strings.Contains(format, "failed to store a msg") ||
		strings.Contains(format, "will be disabled") || strings.Contains(format, "disabling jetstream")
}

// harmless are warnings of what is so on purpose, or of what a power cut leaves in buckets of asynchronous persistence and the
// server puts right: that a WebSocket listener has no TLS is decided, and refused, in Config.listening.
var harmless = regexp.MustCompile(`^Websocket not configured with TLS|TTL state is outdated|> KV_.* past last stream sequence`)

// Warnf passes warnings on, but for the harmless ones.
func (l *serverLog) Warnf(format string, v ...any) {
	level := slog.LevelWarn
	if isWriteError(format) {
		l.Errorf(format, v...)
		return
	}
	if harmless.MatchString(fmt.Sprintf(format, v...)) {
		level = slog.LevelDebug
	}
	l.log(level, format, v)
}

// Debugf and Tracef are never called: the server is not asked to trace, since a trace shows what clients send.
func (l *serverLog) Debugf(string, ...any) {}
func (l *serverLog) Tracef(string, ...any) {}

// Fatalf keeps the first fatal error, and lets the server go on: it gives up by itself.
func (l *serverLog) Fatalf(format string, v ...any) {
	l.log(slog.LevelError, format, v)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fatal == "" {
		l.fatal = fmt.Sprintf(format, v...)
	}
}

func (l *serverLog) died() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fatal
}
