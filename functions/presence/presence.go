package presence

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
)

// Config has nothing that is required.
type Config struct {
	// PerSecond is how many heartbeats of one account count, in the long run; 20 if 0, enough for 600 catalogs. Burst
	// is how many may come at once; 512 if 0. Together with the bucket's TTL they bound what an account can fill it
	// with.
	PerSecond, Burst int
}

type presence struct {
	functions.NoClose
	allowed *allowance
	js      jetstream.JetStream
	views   *view.Reader
	now     func() time.Time
}

// New returns the function.
func New(cfg Config) functions.Function {
	if cfg.PerSecond == 0 {
		cfg.PerSecond = 20
	}
	if cfg.Burst == 0 {
		cfg.Burst = 512
	}
	return functions.Function{
		Name: "presence",
		Doc:  "keeps which catalogs are being served, by the heartbeats of their owners",
		Triggers: []functions.Trigger{
			functions.Request(api.PutHeartbeat, (*presence).put),
			functions.Request(api.StopHeartbeat, (*presence).stop),
		},
		Access: functions.Access{Reads: []view.Bucket{view.Catalogs}, Writes: []view.Bucket{view.Presence}},
		New: func(_ context.Context, h functions.Host) (functions.Instance, error) {
			return &presence{allowed: newAllowance(cfg.PerSecond, cfg.Burst), js: h.JS, views: h.Views, now: h.Now}, nil
		},
	}
}

// put keeps the heartbeat. It has been kept when it returns nil; whoever did not ask for a reply just sends the next.
func (f *presence) put(ctx context.Context, call *functions.Call, h api.Heartbeat) (api.None, error) {
	key, doc, err := f.admit(ctx, call, h)
	if err != nil {
		return api.None{}, err
	}
	if _, err := view.Put(ctx, f.js, view.Presence, key, doc); err != nil {
		return api.None{}, fmt.Errorf("keep heartbeat: %w", err)
	}
	return api.None{}, nil
}

// stop forgets the catalog's heartbeat: it is offline when this returns nil.
func (f *presence) stop(ctx context.Context, call *functions.Call, h api.Heartbeat) (api.None, error) {
	key, _, err := f.admit(ctx, call, h)
	if err != nil {
		return api.None{}, err
	}
	if err := view.Remove(ctx, f.js, view.Presence, key); err != nil {
		return api.None{}, fmt.Errorf("forget heartbeat: %w", err)
	}
	return api.None{}, nil
}

// admit is believe for an account that has not sent too much, and has such a catalog.
func (f *presence) admit(ctx context.Context, call *functions.Call, h api.Heartbeat) (key string, doc []byte, err error) {
	if key, doc, err = believe(call.From, h); err != nil {
		return "", nil, err
	}
	if !f.allowed.take(call.From, f.now()) {
		return "", nil, api.Errorf(api.ErrTooMany, "too many heartbeats from this account: one every 30 seconds for each catalog is enough")
	}
	return key, doc, f.exists(ctx, call, h.Catalog)
}

// exists is nil when the caller has ever shared a catalog of that name. Serving one before is normal, and nobody's
// business: its heartbeats count from the first after the share. Whoever says that it has just shared it is waited for.
func (f *presence) exists(ctx context.Context, call *functions.Call, c events.Catalog) error {
	key := view.CatalogKey(call.From, c)
	s, err := f.views.Read(ctx, view.Catalogs, 0, key)
	if err == nil && len(s.Found) == 0 && s.Position < call.MinPosition {
		s, err = call.Read(ctx, f.views, view.Catalogs, key)
	}
	if err != nil {
		return err
	}
	for _, d := range s.Found {
		if _, shared, err := view.Doc[view.Catalog](d); err != nil || shared {
			return err
		}
	}
	return api.Errorf(api.ErrNotFound, "this account has shared no catalog called %s: there is nobody to tell that it is online", c)
}

// believe returns the key and the document for a heartbeat, or why it does not count. The document is made anew, so
// that nothing but a heartbeat is ever kept and sent on.
func believe(caller events.Account, h api.Heartbeat) (key string, doc []byte, err error) {
	switch {
	case caller.IsZero() || h.Account != caller:
		return "", nil, api.Errorf(api.ErrForbidden, "account_key is not the calling account: only the owner says that a catalog is online")
	case h.Catalog.IsZero():
		return "", nil, api.Errorf(api.ErrBadRequest, "catalog is missing")
	}
	doc, err = json.Marshal(h)
	return view.PresenceKey(caller, h.Catalog), doc, err
}
