package functions

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"natster/events"
	"natster/functions/view"
	"natster/internal/jet"
)

// A Function declares one of the functions that make up the global service. Declaring one reads no file and makes
// nothing, so that functions can be listed, and permissions derived, without running anything.
type Function struct {
	Name     string // lower-case letters: its NATS account, queue group and consumers are called the same
	Doc      string // one sentence
	Triggers []Trigger
	Access   Access
	Limits   Limits // of the world that it runs in
	// New returns the instance whose handlers one run of the function calls. It is called once in a run, before the
	// first trigger; ctx ends when the run is told to stop. Nil is for handlers that need no instance.
	New func(ctx context.Context, h Host) (Instance, error)
}

// An Instance is what New of a [Function] returned: the handlers are its methods, named in the triggers. It is closed
// at the end of the run, when no handler runs any more.
type Instance interface{ Close() error }

// NoClose is embedded by instances that have nothing to close.
type NoClose struct{}

// Close does nothing.
func (NoClose) Close() error { return nil }

// Access is what a function may touch beyond its triggers. Nothing else is allowed: the deployment derives from it what
// the function's NATS account imports, and the permissions of the user in it.
type Access struct {
	ReadsLog   bool
	AppendsLog bool
	Reads      []view.Bucket
	Writes     []view.Bucket // writing implies reading
	Calls      []string      // subjects of other functions' internal endpoints; wildcards allowed
	Publishes  []string      // subjects that accounts import from this function's; wildcards allowed
}

// A Host is what a function runs on: one connection, in the function's own account.
type Host struct {
	Conn   *nats.Conn
	JS     jetstream.JetStream
	Direct *jet.Direct
	Log    *events.Log
	Views  *view.Reader
	Limits Limits // all set
	Now    func() time.Time
	Logger *slog.Logger
}

// Open returns a host on nc, with the machine's clock, the default limits and a Logger that discards everything; a says
// where JetStream is reached from nc's account. The caller closes its Direct.
func Open(nc *nats.Conn, a jet.API) (Host, error) {
	js, err := jetstream.NewWithAPIPrefix(nc, string(a))
	if err != nil {
		return Host{}, err
	}
	direct, err := jet.NewDirect(nc, a)
	if err != nil {
		return Host{}, err
	}
	return Host{
		Conn:   nc,
		JS:     js,
		Direct: direct,
		Log:    events.NewLog(js, direct),
		Views:  view.NewReader(direct),
		Limits: DefaultLimits(),
		Now:    time.Now,
		Logger: slog.New(slog.DiscardHandler),
	}, nil
}

// ErrConfig is wrapped by the error of a function that cannot start with the configuration that it was given.
var ErrConfig = errors.New("cannot start")

// CurveKey returns the pair that read returns, and its public key. It is for a New that needs a curve key; the error
// wraps [ErrConfig].
func CurveKey(read func() (nkeys.KeyPair, error)) (pair nkeys.KeyPair, public string, err error) {
	if read == nil {
		return nil, "", fmt.Errorf("%w: it was given no key", ErrConfig)
	}
	if pair, err = read(); err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if public, err = pair.PublicKey(); err != nil || !nkeys.IsValidPublicCurveKey(public) {
		return nil, "", fmt.Errorf("%w: its key is not a curve key", ErrConfig)
	}
	return pair, public, nil
}

// ErrDeclaration is wrapped by every error about a function that is not declared as it must be.
var ErrDeclaration = errors.New("bad function declaration")

var functionName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

// Check reports what is wrong with the declaration; the error wraps [ErrDeclaration].
func (f Function) Check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s: %s", ErrDeclaration, f.Name, fmt.Sprintf(format, args...))
	}
	switch {
	case !functionName.MatchString(f.Name):
		return bad("a name is lower-case letters and digits")
	case f.Doc == "":
		return bad("no sentence says what it does")
	case len(f.Triggers) == 0:
		return bad("nothing triggers it")
	}
	streams := make(map[string]bool)
	for _, t := range f.Triggers {
		if t.stream == "" {
			continue
		}
		if streams[t.stream] {
			return bad("two triggers on stream %s", t.stream)
		}
		streams[t.stream] = true
	}
	return nil
}
