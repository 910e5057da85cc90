package embedded

import (
	"fmt"
	"log/slog"
	"regexp"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
)

// serverLog is the NATS server's logger. It logs the server's notices as debug messages, and keeps its fatal error, for
// which the server itself would exit the process, for Start to return.
type serverLog struct {
	to     *slog.Logger
	broken func(what string) // called when the server could not write
	mu     sync.Mutex
	fatal  string
}

var _ server.Logger = (*serverLog)(nil)

func (l *serverLog) Noticef(format string, v ...any) { l.to.Debug(fmt.Sprintf(format, v...)) }

// unwritten matches what the server logs when it could not write. After that it writes nothing more.
var unwritten = regexp.MustCompile(`(?i)write error|failed to store a msg|will be disabled|disabling jetstream`)

// Errorf logs errors, except those of writing: the world handles them, and reports them itself.
func (l *serverLog) Errorf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	if !unwritten.MatchString(text) {
		l.to.Error(text)
		return
	}
	l.to.Debug(text)
	l.broken(text)
}

// harmless matches warnings about what is intended (Config.listening decides when a WebSocket listener needs TLS) and
// about what a power cut leaves in buckets with asynchronous persistence, which the server repairs.
var harmless = regexp.MustCompile(
	`^Websocket not configured with TLS|TTL state is outdated|> KV_.* past last stream sequence`)

// Warnf logs warnings, except the harmless ones.
func (l *serverLog) Warnf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	switch {
	case unwritten.MatchString(text):
		l.Errorf("%s", text)
	case harmless.MatchString(text):
		l.to.Debug(text)
	default:
		l.to.Warn(text)
	}
}

// Debugf and Tracef are never called: the server does not trace, because a trace shows what clients send.
func (l *serverLog) Debugf(string, ...any) {}
func (l *serverLog) Tracef(string, ...any) {}

// Fatalf keeps the first fatal error. The server gives up by itself.
func (l *serverLog) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.to.Error(text)
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
