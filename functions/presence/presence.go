package presence

import (
	"context"
	"encoding/json"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
	"natster/internal/limiter"
)

type presence struct {
	functions.NoClose
	host    functions.Host
	allowed *limiter.Allowance[events.Account]
}

// New returns the function.
func New() functions.Function {
	return functions.Function{
		Name: "presence",
		Doc:  "keeps which catalogs are being served, by the heartbeats of their owners",
		Triggers: []functions.Trigger{
			functions.Request(api.PutHeartbeat, (*presence).put),
			functions.Request(api.StopHeartbeat, (*presence).stop),
		},
		Access: functions.Access{Reads: []view.Bucket{view.Catalogs}, Writes: []view.Bucket{view.Presence}},
		New: func(_ context.Context, h functions.Host) (functions.Instance, error) {
			allowed := limiter.NewAllowance[events.Account](h.Limits.Beats, h.Limits.BeatsAtOnce)
			return &presence{host: h, allowed: allowed}, nil
		},
	}
}

// put stores the heartbeat: the catalog is online when this returns nil. The document is made anew, so that nothing but
// a heartbeat is ever kept and sent on.
func (f *presence) put(ctx context.Context, call *functions.Call, h api.Heartbeat) (api.None, error) {
	if err := f.admit(ctx, call, h); err != nil {
		return api.None{}, err
	}
	doc, err := json.Marshal(h)
	if err != nil {
		return api.None{}, err
	}
	_, err = view.Put(ctx, f.host.JS, view.Presence, view.PresenceKey(h.Account, h.Catalog), doc)
	return api.None{}, err
}

// stop forgets the catalog's heartbeat: it is offline when this returns nil.
func (f *presence) stop(ctx context.Context, call *functions.Call, h api.Heartbeat) (api.None, error) {
	err := f.admit(ctx, call, h)
	if err == nil {
		err = view.Remove(ctx, f.host.JS, view.Presence, view.PresenceKey(h.Account, h.Catalog))
	}
	return api.None{}, err
}

// admit returns nil for a heartbeat that counts: of an account that has not sent too many, about a catalog that it has
// ever shared. To serve a catalog before it is shared is normal, but concerns no other account: its heartbeats count
// from the first after the share. For a caller who has seen the position of the share, admit waits until the projection
// has it.
func (f *presence) admit(ctx context.Context, call *functions.Call, h api.Heartbeat) error {
	switch {
	case call.From.IsZero() || h.Account != call.From:
		return api.Errorf(api.ErrForbidden,
			"account_key is not the calling account: only the owner says that a catalog is online")
	case h.Catalog.IsZero():
		return api.Errorf(api.ErrBadRequest, "catalog is missing")
	}
	if wait := f.allowed.Take(call.From, f.host.Now()); wait > 0 {
		return api.Later(api.ErrTooMany, wait,
			"too many heartbeats from this account: one every 30 seconds for each catalog is enough")
	}
	key := view.CatalogKey(call.From, h.Catalog)
	s, err := f.host.Views.Read(ctx, view.Catalogs, 0, key)
	if err == nil && len(s.Found) == 0 && s.Position < call.MinPosition {
		s, err = call.Read(ctx, view.Catalogs, key)
	}
	if err != nil {
		return err
	}
	_, shared, err := view.One[view.Catalog](s)
	if err == nil && !shared {
		err = api.Errorf(api.ErrNotFound,
			"this account has shared no catalog called %s: there is nobody to tell that it is online", h.Catalog)
	}
	return err
}
