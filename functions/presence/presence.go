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
	// PerSecond is how many heartbeats of one account count, in the long run; 20 if 0, enough for 600 catalogs. Burst is
	// how many may come at once; 512 if 0. Together with the bucket's TTL they bound what an account can fill it with.
	PerSecond, Burst int
}

type presence struct {
	allowed *allowance
	js      jetstream.JetStream
	now     func() time.Time
}

// New returns the function. It runs on one runner; a second instance is a second New.
func New(cfg Config) functions.Function {
	if cfg.PerSecond == 0 {
		cfg.PerSecond = 20
	}
	if cfg.Burst == 0 {
		cfg.Burst = 512
	}
	f := &presence{allowed: newAllowance(cfg.PerSecond, cfg.Burst)}
	return functions.Function{
		Name: "presence",
		Doc:  "keeps which catalogs are being served, by the heartbeats of their owners",
		Triggers: []functions.Trigger{
			functions.Request(api.PutHeartbeat, f.put),
			functions.Request(api.StopHeartbeat, f.stop),
		},
		Access: functions.Access{Writes: []view.Bucket{view.Presence}},
		Open: func(h functions.Host) error {
			f.js, f.now = h.JS, h.Now
			return nil
		},
	}
}

// put keeps the heartbeat. It has been kept when it returns nil; whoever did not ask for a reply just sends the next.
func (f *presence) put(ctx context.Context, call *functions.Call, h api.Heartbeat) (api.None, error) {
	key, doc, err := f.admit(call.From, h)
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
	key, _, err := f.admit(call.From, h)
	if err != nil {
		return api.None{}, err
	}
	if err := view.Remove(ctx, f.js, view.Presence, key); err != nil {
		return api.None{}, fmt.Errorf("forget heartbeat: %w", err)
	}
	return api.None{}, nil
}

// admit is believe for an account that has not sent too much.
func (f *presence) admit(caller events.Account, h api.Heartbeat) (key string, doc []byte, err error) {
	if key, doc, err = believe(caller, h); err == nil && !f.allowed.take(caller, f.now()) {
		err = api.Errorf(api.ErrTooMany, "too many heartbeats from this account: one every 30 seconds for each catalog is enough")
	}
	return key, doc, err
}

// believe returns the key and the document for a heartbeat, or why it does not count. The document is made anew, so that
// nothing but a heartbeat is ever kept and sent on.
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
