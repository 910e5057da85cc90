package client

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions/api"
	"natster/internal/brief"
	"natster/workloads/catalog"
	"natster/workloads/catalog/seal"
)

// Errors to branch on, besides those of package catalog. Every error of this package that has one of these causes wraps
// it.
var (
	ErrNotShared      = errors.New("the catalog is not shared with this account")
	ErrOffline        = errors.New("nobody serves the catalog now")
	ErrBusy           = errors.New("the catalog's server is busy")
	ErrRefused        = errors.New("the catalog's server refuses")
	ErrImpostor       = errors.New("the answer is not from whom it should be")
	ErrNoRandomAccess = errors.New("the catalog's server is an older one, which only sends whole files: download it")
	ErrTranscoded     = errors.New("its server sends a transcoded video instead of the file that it lists, " +
		"which cannot be checked")
	ErrClosed = errors.New("the file is closed")
)

// Config is what a client is made of; Conn and Account are required.
type Config struct {
	Conn    *nats.Conn     // the caller closes it
	Account events.Account // of the connection

	// Origin, if set, returns what a name means in this account. A server that proves to be another account's, or to
	// serve another catalog, is refused with [ErrImpostor].
	Origin func(context.Context, events.Catalog) (Origin, error)

	Logger *slog.Logger // nil: nothing is logged

	// ChunkSize is what downloads propose, in bytes, default 256 KiB. ReadChunk is what random access proposes, default
	// 128 KiB, since smaller chunks arrive sooner.
	ChunkSize, ReadChunk int

	// Window bounds the bytes in flight: of all files of one download, and of one open file at most [openWindow].
	// Default 5 MiB; with more, a server might hold a connection that pauses for one that does not read. There are
	// fewer at first, and when the latency grows.
	Window int

	// Timeout is how long a transfer without progress goes on, default one minute.
	Timeout time.Duration
}

// An Origin is the owner of a catalog, zero if not known, and the owner's name for it, zero if it is the same.
type Origin struct {
	Owner   events.Account
	Catalog events.Catalog
}

func (c Config) withDefaults() Config {
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	c.ChunkSize = cmp.Or(max(c.ChunkSize, 0), 256<<10)
	c.ReadChunk = cmp.Or(max(c.ReadChunk, 0), seal.DefaultChunk)
	c.Window = cmp.Or(max(c.Window, 0), 5<<20)
	c.Timeout = cmp.Or(max(c.Timeout, 0), time.Minute)
	return c
}

// A Client reads catalogs, the account's own and those it has imported. It is safe for concurrent use; its Config must
// not be changed.
type Client struct {
	Config
	speaks2 sync.Map // by catalog: whether its server speaks protocol 2
	seams   seams
}

// seams are where tests inject faults.
type seams struct {
	disk      func(*os.Root) disk
	sink      func(*os.File) sink
	protocol1 bool                        // ask as an existing client does
	key       func() (*seal.Key, error)   // the receiver's key of a session
	wire      func(frame []byte) [][]byte // what arrives instead of a frame; nil: the frame
	system    string                      // the system it downloads on, named as runtime.GOOS names it
}

// New returns a client with c's configuration.
func New(c Config) *Client {
	return &Client{Config: c.withDefaults(), seams: seams{
		disk:   func(r *os.Root) disk { return r },
		sink:   func(f *os.File) sink { return f },
		key:    seal.NewKey,
		system: runtime.GOOS,
	}}
}

// origin returns what the name means, with the owner's name for it.
func (c *Client) origin(ctx context.Context, name events.Catalog) (o Origin, err error) {
	if c.Origin != nil {
		if o, err = c.Origin(ctx, name); err != nil {
			return o, fmt.Errorf("whose catalog is %s: %w", name, err)
		}
	}
	if o.Catalog.IsZero() {
		o.Catalog = name
	}
	return o, nil
}

// ask sends a request to a catalog's server and decodes the data of the reply into a. Who is told to come back very
// soon is asked once more.
func (c *Client) ask(ctx context.Context, name events.Catalog, verb string, q, a any) error {
	body, err := json.Marshal(q)
	if err != nil {
		return err
	}
	data, err := c.reply(ctx, name, verb, body)
	if api.ComeBack(ctx, err) {
		data, err = c.reply(ctx, name, verb, body)
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, a); err != nil {
		return fmt.Errorf("%s: the reply to %s cannot be read: %w: %w", name, verb, ErrRefused, err)
	}
	return nil
}

// reply sends a request to a catalog's server and returns the data of the reply.
func (c *Client) reply(ctx context.Context, name events.Catalog, verb string, body []byte) (json.RawMessage, error) {
	m, err := c.request(ctx, events.CatalogSubject(name, verb), body)
	switch {
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, errSlow):
		return nil, fmt.Errorf("%s: %w", name, ErrOffline)
	case err != nil:
		return nil, fmt.Errorf("%s: ask for %s: %w", name, verb, err)
	}
	data, err := api.ReadReply(m)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, refusal(err))
	}
	return data, nil
}

const requestTimeout = 10 * time.Second

var errSlow = errors.New("no answer in time")

// request sends a request, and sends it again if no answer could arrive: the process slept, or lost its connection.
func (c *Client) request(ctx context.Context, subject string, body []byte) (m *nats.Msg, err error) {
	for range 3 {
		began, lost := time.Now(), c.Conn.Stats().Reconnects
		bounded, cancel := context.WithTimeoutCause(ctx, requestTimeout, errSlow)
		m, err = c.Conn.RequestWithContext(bounded, subject, body)
		slow := err != nil && errors.Is(context.Cause(bounded), errSlow)
		cancel()
		if !slow {
			return m, err
		}
		err = errSlow
		if time.Since(began) < requestTimeout+nap && c.Conn.Stats().Reconnects == lost {
			break
		}
	}
	return m, err
}

// refusals maps codes of the wire to errors of this package.
var refusals = map[api.Code]error{
	api.CodeForbidden:   ErrNotShared,
	api.CodeNotFound:    catalog.ErrNotFound,
	api.CodeGone:        catalog.ErrChanged,
	api.CodeAway:        catalog.ErrAway,
	api.CodeTooMany:     ErrBusy,
	api.CodeUnavailable: ErrOffline,
}

// refusal wraps a server's error in the error of its code. The server's text is quoted: nobody shall take it for ours.
func refusal(err error) error {
	e, ok := errors.AsType[*api.Error](err)
	if !ok {
		return err
	}
	sentinel := refusals[e.Code]
	if sentinel == nil {
		sentinel = ErrRefused
	}
	return fmt.Errorf("%w (%w)", sentinel, &api.Error{
		Code: e.Code, Message: brief.Quote(e.Message), RetryAfter: e.RetryAfter,
	})
}

// isOneOf reports whether err matches one of targets.
func isOneOf(err error, targets ...error) bool {
	return slices.ContainsFunc(targets, func(t error) bool { return errors.Is(err, t) })
}
