package feed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions"
	"natster/functions/view"
	"natster/internal/jet"
)

// Config has nothing that is required.
type Config struct {
	// Page is how many shares are read and told at a time; 1000 if 0.
	Page int
}

// readTimeout bounds one read or flush: the handlers themselves have no deadline, because what they do has no bound.
const readTimeout = 10 * time.Second

type feed struct {
	functions.NoClose
	page  int
	conn  *nats.Conn
	views *view.Reader
}

// New returns the function.
func New(cfg Config) functions.Function {
	if cfg.Page == 0 {
		cfg.Page = 1000
	}
	return functions.Function{
		Name: "feed",
		Doc:  "tells accounts when a catalog shared with them comes and goes, and when a share is given or taken",
		Triggers: []functions.Trigger{
			functions.OnKey(view.Presence, (*feed).presence),
			functions.OnEvent((*feed).share, events.Shared, events.Unshared),
		},
		Access: functions.Access{
			Reads:     []view.Bucket{view.Shares},
			Publishes: events.FeedServices(),
		},
		New: func(_ context.Context, h functions.Host) (functions.Instance, error) {
			return &feed{page: cfg.Page, conn: h.Conn, views: h.Views}, nil
		},
	}
}

// share tells both sides of a share given or taken.
func (f *feed) share(ctx context.Context, e events.Envelope) error {
	kind, body, ok := news(e)
	if !ok {
		return nil
	}
	return f.tell(ctx, kind, body, e.Origin, e.Target)
}

// presence tells everybody that a catalog is shared with that it is online, or went offline.
func (f *feed) presence(ctx context.Context, c functions.Change) error {
	a, err := announce(c)
	if err != nil {
		return fmt.Errorf("%w: %w", functions.ErrPoison, err)
	}
	return f.sharedWith(ctx, a.owner, a.catalog, func(targets []events.Account) error {
		return f.tell(ctx, a.kind, a.body, targets...)
	})
}

// tell publishes to the accounts and returns when the server has it all.
func (f *feed) tell(ctx context.Context, kind string, body []byte, to ...events.Account) error {
	for _, a := range to {
		if err := f.conn.Publish(events.FeedSubject(a, kind), body); err != nil {
			return fmt.Errorf("tell %s: %w", a, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if err := f.conn.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("tell: %w", err)
	}
	return nil
}

// sharedWith calls fn with all accounts that the catalog is shared with, some at a time, each at least once.
func (f *feed) sharedWith(
	ctx context.Context, owner events.Account, catalog events.Catalog, fn func([]events.Account) error,
) error {
	pattern := view.SharesOf(owner, catalog)
	s, err := f.read(ctx, pattern)
	if err == nil {
		return found(s.Found, fn)
	}
	if !errors.Is(err, jet.ErrTooMany) {
		return err
	}
	if s, err = f.read(ctx); err != nil {
		return err
	}
	for from := uint64(1); from != 0; {
		var some []view.Found
		if some, from, err = f.pageFrom(ctx, s.Generation, pattern, from); err != nil {
			return err
		}
		if err := found(some, fn); err != nil {
			return err
		}
	}
	after, err := f.read(ctx)
	if err != nil {
		return err
	}
	if after.Generation != s.Generation {
		return fmt.Errorf("the shares were rebuilt while they were read: again from the start")
	}
	return nil
}

func (f *feed) read(ctx context.Context, patterns ...string) (view.Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return f.views.Read(ctx, view.Shares, 0, patterns...)
}

func (f *feed) pageFrom(
	ctx context.Context, generation uint64, pattern string, from uint64,
) ([]view.Found, uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return f.views.Page(ctx, view.Shares, generation, pattern, from, f.page)
}

// found calls fn with the targets of the shares among the documents.
func found(docs []view.Found, fn func([]events.Account) error) error {
	targets := make([]events.Account, 0, len(docs))
	for _, d := range docs {
		s, ok, err := view.ShareIn(d)
		if err != nil {
			return err
		}
		if ok {
			targets = append(targets, s.To)
		}
	}
	return fn(targets)
}
