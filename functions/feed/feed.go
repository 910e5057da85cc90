package feed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
	"natster/internal/jet"
)

type feed struct {
	conn  *nats.Conn
	views *view.Reader
	beats *fanout
}

// New returns the function.
func New() functions.Function {
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
			f := &feed{conn: h.Conn, views: h.Views}
			f.beats = newFanout(f.receivers, f.tell, h.Logger)
			return f, nil
		},
	}
}

// Close tells what is still to be told.
func (f *feed) Close() error { return f.beats.close() }

// share tells both sides of a share that it was given or taken.
func (f *feed) share(ctx context.Context, e events.Envelope) error {
	kind, body, ok := news(e)
	if !ok {
		return nil
	}
	return f.tell(ctx, kind, body, e.Origin, e.Target)
}

// news returns what both sides of an event are told; ok is false for nothing.
func news(e events.Envelope) (kind string, body []byte, ok bool) {
	switch e.Type {
	case events.Shared:
		kind = events.FeedShared
	case events.Unshared:
		kind = events.FeedUnshared
	default:
		return "", nil, false
	}
	body, err := json.Marshal(api.ShareNews{From: e.Origin, To: e.Target, Catalog: e.Catalog, Position: e.Position})
	return kind, body, err == nil
}

// presence has everybody told that a catalog is shared with that it is online, or went offline.
func (f *feed) presence(_ context.Context, c functions.Change) error {
	h, err := heartbeat(c)
	if err != nil {
		return fmt.Errorf("%w: %w", functions.ErrPoison, err)
	}
	body, err := json.Marshal(h)
	if err != nil {
		return err
	}
	kind := events.FeedHeartbeat
	if c.Gone {
		kind = events.FeedOffline
	}
	f.beats.add(&telling{owner: h.Account, catalog: h.Catalog, kind: kind, body: body})
	return nil
}

// heartbeat returns the heartbeat that was put, or the account and the catalog of one that is gone. The error says that
// the change does not belong into the presence bucket.
func heartbeat(c functions.Change) (h api.Heartbeat, err error) {
	account, catalog, _ := strings.Cut(c.Key, ".")
	var key api.Heartbeat
	if key.Account, err = events.ParseAccount(account); err != nil {
		return h, fmt.Errorf("presence key: %w", err)
	}
	if key.Catalog, err = events.ParseCatalog(catalog); err != nil {
		return h, fmt.Errorf("presence key: %w", err)
	}
	if c.Gone {
		return key, nil
	}
	if err := json.Unmarshal(c.Value, &h); err != nil {
		return h, fmt.Errorf("heartbeat: %w", err)
	}
	if h.Account != key.Account || h.Catalog != key.Catalog {
		return h, fmt.Errorf("heartbeat of %s, %s under another's key", h.Account, h.Catalog)
	}
	return h, nil
}

// tell publishes to the accounts and returns when the server has it all.
func (f *feed) tell(ctx context.Context, kind string, body []byte, to ...events.Account) error {
	for _, a := range to {
		if err := f.conn.Publish(events.FeedSubject(a, kind), body); err != nil {
			return fmt.Errorf("tell %s: %w", a, err)
		}
	}
	const timeout = 10 * time.Second // the handlers have no deadline: what they do has no bound
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return f.conn.FlushWithContext(ctx)
}

// receivers returns the next receivers of what is told, each at least once by the end, and whether that is reached.
func (f *feed) receivers(ctx context.Context, t *telling) (to []events.Account, end bool, err error) {
	pattern := view.SharesOf(t.owner, t.catalog)
	if t.next == 0 {
		s, err := f.views.Read(ctx, view.Shares, 0, pattern)
		if err == nil {
			to, err = receiversIn(s.Found)
			return to, true, err
		}
		if !errors.Is(err, jet.ErrTooMany) {
			return nil, false, err
		}
		if s, err = f.views.Read(ctx, view.Shares, 0); err != nil {
			return nil, false, err
		}
		t.generation, t.next = s.Generation, 1
	}
	page, next, err := f.views.Page(ctx, view.Shares, t.generation, pattern, t.next, pageSize)
	if err != nil {
		return nil, false, err
	}
	if next == 0 {
		after, err := f.views.Read(ctx, view.Shares, 0)
		if err == nil && after.Generation != t.generation {
			t.next = 0
			err = errors.New("the shares were rebuilt while they were read: again from the start")
		}
		return nil, true, err
	}
	to, err = receiversIn(page)
	if err == nil {
		t.next = next
	}
	return to, false, err
}

func receiversIn(found []view.Found) ([]events.Account, error) {
	to := make([]events.Account, 0, len(found))
	for s, err := range view.SharesIn(found) {
		if err != nil {
			return nil, err
		}
		to = append(to, s.To)
	}
	return to, nil
}
