package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
)

// serverLog is the NATS server's logger. The server's notices are ours to debug; its fatal error is Start's error,
// which the server itself would have exited the process for.
type serverLog struct {
	to     *slog.Logger
	broken func(what string) // called when the server could not write
	mu     sync.Mutex
	fatal  string
}

var _ server.Logger = (*serverLog)(nil)

func (l *serverLog) log(level slog.Level, text string) {
	l.to.Log(context.Background(), level, text, "from", "nats-server")
}

func (l *serverLog) Noticef(format string, v ...any) {
	if l.to.Enabled(context.Background(), slog.LevelDebug) {
		l.log(slog.LevelDebug, fmt.Sprintf(format, v...))
	}
}

// unwritten are the ways in which the server says that it could not write. It does not write any more then.
var unwritten = regexp.MustCompile(`(?i)write error|failed to store a msg|will be disabled|disabling jetstream`)

// Errorf passes errors on, but for those of writing: the world deals with them, and says so itself.
func (l *serverLog) Errorf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	if !unwritten.MatchString(text) {
		l.log(slog.LevelError, text)
		return
	}
	l.log(slog.LevelDebug, text)
	l.broken(text)
}

// harmless are warnings of what is so on purpose, or of what a power cut leaves in buckets of asynchronous persistence
// and the server puts right: that a WebSocket listener has no TLS is decided, and refused, in Config.listening.
var harmless = regexp.MustCompile(
	`^Websocket not configured with TLS|TTL state is outdated|> KV_.* past last stream sequence`)

// Warnf passes warnings on, but for the harmless ones.
func (l *serverLog) Warnf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	switch {
	case unwritten.MatchString(text):
		l.Errorf("%s", text)
	case harmless.MatchString(text):
		l.log(slog.LevelDebug, text)
	default:
		l.log(slog.LevelWarn, text)
	}
}

// Debugf and Tracef are never called: the server is not asked to trace, since a trace shows what clients send.
func (l *serverLog) Debugf(string, ...any) {}
func (l *serverLog) Tracef(string, ...any) {}

// Fatalf keeps the first fatal error, and lets the server go on: it gives up by itself.
func (l *serverLog) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.log(slog.LevelError, text)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fatal == "" {
		l.fatal = text
	}
}

func (l *serverLog) died() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fatal
}
