package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog"
	"natster/workloads/catalog/seal"
)

// Errors to branch on, beside those of package catalog. Every error of this package that has one of these causes wraps it.
var (
	ErrNotShared      = errors.New("the catalog is not shared with this account")
	ErrOffline        = errors.New("nobody serves the catalog now")
	ErrBusy           = errors.New("the catalog's server is busy")
	ErrRefused        = errors.New("the catalog's server refuses")
	ErrImpostor       = errors.New("the answer is not from whom it should be")
	ErrNoRandomAccess = errors.New("the catalog's server is an older one, which only sends whole files: download it")
	ErrTranscoded     = errors.New("its server sends a transcoded video instead of the file that it lists, which cannot be checked")
	ErrClosed         = errors.New("the file is closed")
)

// Config is what a client is made of; Conn and Account are required.
type Config struct {
	Conn    *nats.Conn     // stays the caller's to close
	Account events.Account // whose connection it is

	// Origin, when set, tells what a name stands for in this account; a server that proves to be another's, or to serve another
	// catalog, is refused with [ErrImpostor].
	Origin func(context.Context, events.Catalog) (Origin, error)

	Logger *slog.Logger // nil: discarded

	// ChunkSize is what downloads propose, in bytes, default 256 KiB; ReadChunk what random access does, default 128 KiB:
	// smaller chunks come sooner.
	ChunkSize, ReadChunk int

	// Window bounds the bytes in flight to one file, default 8 MiB; fewer at first, and as the latency shows.
	Window int

	// Timeout is for how long a transfer that makes no progress keeps trying, default one minute.
	Timeout time.Duration
}

// An Origin is whose a catalog is, a zero account being: not known; and its owner's name for it, a zero one being: the same.
type Origin struct {
	Owner   events.Account
	Catalog events.Catalog
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.ChunkSize <= 0 {
		c.ChunkSize = 256 << 10
	}
	if c.ReadChunk <= 0 {
		c.ReadChunk = seal.DefaultChunk
	}
	if c.Window <= 0 {
		c.Window = 8 << 20
	}
	if c.Timeout <= 0 {
		c.Timeout = time.Minute
	}
	return c
}

// A Client reads catalogs, the account's own and those it has imported. It is safe for concurrent use; its Config is not to
// be changed.
type Client struct {
	Config
	mu    sync.Mutex
	ours  map[events.Catalog]bool // known to speak protocol 2
	seams seams
}

// New returns a client as c says.
func New(c Config) *Client {
	return &Client{Config: c.withDefaults(), ours: make(map[events.Catalog]bool), seams: seams{system: runtime.GOOS}}
}

// newKey makes a key for one session.
func (c *Client) newKey() (*seal.Key, error) {
	if c.seams.key != nil {
		return c.seams.key()
	}
	return seal.NewKey()
}

// speaks2 tells whether the catalog's server is known to speak protocol 2; nothing is lost when it is not known.
func (c *Client) speaks2(name events.Catalog) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ours[name]
}

func (c *Client) learn(name events.Catalog, speaks2 bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ours[name] = speaks2
}

// origin is what the name stands for, its owner's name filled in.
func (c *Client) origin(ctx context.Context, name events.Catalog) (Origin, error) {
	var o Origin
	if c.Origin != nil {
		var err error
		if o, err = c.Origin(ctx, name); err != nil {
			return o, fmt.Errorf("whose catalog is %s: %w", name, err)
		}
	}
	if o.Catalog.IsZero() {
		o.Catalog = name
	}
	return o, nil
}

// ask sends a request to a catalog's server and decodes the data of the reply into a.
func (c *Client) ask(ctx context.Context, name events.Catalog, verb string, q, a any) error {
	body, err := json.Marshal(q)
	if err != nil {
		return err
	}
	m, err := c.request(ctx, events.CatalogSubject(name, verb), body)
	switch {
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, errSlow):
		return fmt.Errorf("%s: %w", name, ErrOffline)
	case err != nil:
		return fmt.Errorf("%s: ask for %s: %w", name, verb, err)
	}
	data, err := api.DecodeReply(m.Data)
	if err != nil {
		return fmt.Errorf("%s: %w", name, refusal(err))
	}
	if err := json.Unmarshal(data, a); err != nil {
		return fmt.Errorf("%s: the reply to %s cannot be read: %w: %w", name, verb, ErrRefused, err)
	}
	return nil
}

// answering is how long an answer may take.
const answering = 10 * time.Second

var errSlow = errors.New("no answer in time")

// request asks, and asks again when no answer could be heard: this process slept, or lost its connection meanwhile.
func (c *Client) request(ctx context.Context, subject string, body []byte) (m *nats.Msg, err error) {
	for range 3 {
		began, lost := time.Now(), c.Conn.Stats().Reconnects
		bounded, cancel := context.WithTimeoutCause(ctx, answering, errSlow)
		m, err = c.Conn.RequestWithContext(bounded, subject, body)
		slow := err != nil && errors.Is(context.Cause(bounded), errSlow)
		cancel()
		if !slow {
			return m, err
		}
		err = errSlow
		if time.Since(began) < answering+nap && c.Conn.Stats().Reconnects == lost {
			break
		}
	}
	return m, err
}

// refusals is the one table from codes of the wire to errors of this package.
var refusals = map[api.Code]error{
	api.CodeForbidden:   ErrNotShared,
	api.CodeNotFound:    catalog.ErrNotFound,
	api.CodeGone:        catalog.ErrChanged,
	api.CodeAway:        catalog.ErrAway,
	api.CodeTooMany:     ErrBusy,
	api.CodeUnavailable: ErrOffline,
}

// refusal wraps what a server said into the sentinel of its code. Its words are foreign text, and made fit to be shown.
func refusal(err error) error {
	var e *api.Error
	if !errors.As(err, &e) {
		return err
	}
	sentinel := refusals[e.Code]
	if sentinel == nil {
		sentinel = ErrRefused
	}
	const most = 300
	words := catalog.CleanDescription(e.Message[:min(len(e.Message), most)])
	return fmt.Errorf("%w (%w)", sentinel, &api.Error{Code: e.Code, Message: words})
}
