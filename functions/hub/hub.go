package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
)

// Config says whose catalog new accounts are given. Without either the function does nothing.
type Config struct {
	Account events.Account
	Catalog events.Catalog
}

func (c Config) off() bool { return c.Account.IsZero() || c.Catalog.IsZero() }

// putTimeout bounds one request to eventwriter.
const putTimeout = 10 * time.Second

// endpoint is where eventwriter is asked for an event of that type by the hub.
func (c Config) endpoint(t events.Type) api.Endpoint[api.PutRequest, api.PutReply] {
	return api.PutInternal(c.Account.String(), t)
}

type hub struct {
	functions.NoClose
	cfg   Config
	write *api.Client
}

// New returns the function.
func New(cfg Config) functions.Function {
	var access functions.Access
	if !cfg.off() {
		access.Calls = []string{cfg.endpoint(events.Shared).Subject(), cfg.endpoint(events.Initialized).Subject()}
	}
	return functions.Function{
		Name:     "hub",
		Doc:      "shares the hub's catalog with every account that begins to use natster",
		Triggers: []functions.Trigger{functions.OnEvent((*hub).welcome, events.Initialized)},
		Access:   access,
		New: func(_ context.Context, h functions.Host) (functions.Instance, error) {
			return &hub{cfg: cfg, write: api.NewClient(h.Conn)}, nil
		},
	}
}

// welcome shares the hub's catalog with the account that began to use natster.
func (f *hub) welcome(ctx context.Context, e events.Envelope) error {
	if f.cfg.off() || e.Origin == f.cfg.Account {
		return nil
	}
	put := api.PutRequest{
		Catalog: f.cfg.Catalog.String(), Target: e.Origin.String(), EventType: string(events.Shared),
	}
	ctx, cancel := context.WithTimeout(ctx, putTimeout)
	defer cancel()
	_, err := api.Call(ctx, f.write, f.cfg.endpoint(events.Shared), put)
	if errors.Is(err, api.ErrBadRequest) { // the hub may not be initialized yet
		if err = f.introduce(ctx); err == nil {
			_, err = api.Call(ctx, f.write, f.cfg.endpoint(events.Shared), put)
		}
	}
	return judge(e, err)
}

// introduce initializes the hub's account, as every account is before it shares. That the account is initialized
// already is no error.
func (f *hub) introduce(ctx context.Context) error {
	data, err := json.Marshal(events.InitializedData{AccountName: "hub", AccountKey: f.cfg.Account})
	if err != nil {
		return err
	}
	_, err = api.Call(ctx, f.write, f.cfg.endpoint(events.Initialized), api.PutRequest{
		Catalog: events.None, Target: events.None, EventType: string(events.Initialized), Data: data,
	})
	if errors.Is(err, api.ErrBadRequest) {
		return nil
	}
	return err
}

// judge makes a refusal that no repetition can change a [functions.ErrPoison]; other failures pass.
func judge(e events.Envelope, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("the hub's catalog was not shared with %s: %w", e.Origin, err)
	for _, final := range []error{api.ErrBadRequest, api.ErrForbidden, api.ErrNotFound, api.ErrConflict, api.ErrGone} {
		if errors.Is(err, final) {
			return fmt.Errorf("%w: %w", functions.ErrPoison, err)
		}
	}
	return err
}
