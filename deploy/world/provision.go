package world

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"natster/deploy/accounts"
	"natster/events"
	"natster/functions"
	"natster/internal/backoff"
	"natster/internal/private"
)

// Keys returns the operator of the world in dir, which it makes if there is none, with all accounts as this version and
// the world's limits have them. The operator sends changes to no server: it is for the process that starts the servers.
func Keys(ctx context.Context, dir string) (*accounts.Operator, error) {
	if err := private.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("world: %w", err)
	}
	limits, err := ReadLimits(dir)
	if err != nil {
		return nil, err
	}
	if err := accounts.Bootstrap(ctx, keysDir(dir), limits); err != nil {
		return nil, err
	}
	return accounts.Open(keysDir(dir), limits, nil)
}

// Provision makes what the functions need on NATS servers that are not embedded, with so many replicas, and records in
// dir that the world is there. It may be repeated. It fails with ErrRunning while the world runs in a process of
// natster, and as CheckSeeds does.
func Provision(ctx context.Context, dir, urls string, replicas int) ([]functions.Function, error) {
	offline, err := Keys(ctx, dir)
	if err != nil {
		return nil, err
	}
	unlock, err := Lock(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = unlock() }() // the process holds nothing else of the world
	if err := CheckSeeds(dir); err != nil {
		return nil, err
	}
	info := Info{Running: true, Started: time.Now().UTC(), URL: urls}
	keeper := offline.Telling(info.Connect)
	info.WellKnown = keeper.WellKnown()
	if info.HubCatalog, err = events.ParseCatalog(DefaultHubCatalog); err != nil {
		return nil, err
	}
	if last, err := readInfo(dir); err == nil && !last.HubCatalog.IsZero() {
		info.HubCatalog = last.HubCatalog
	}
	if err := keeper.Renew(ctx); err != nil {
		return nil, err
	}
	limits, err := ReadLimits(dir)
	if err != nil {
		return nil, err
	}
	fns := Functions(Settings{
		Accounts: info.WellKnown, HubCatalog: info.HubCatalog, Keys: dir, World: dir, Limits: limits,
	})
	if _, err := keeper.Functions(ctx, fns); err != nil {
		return nil, err
	}
	admin, err := keeper.Admin(ctx)
	if err != nil {
		return nil, err
	}
	nc, err := info.Connect(ctx, admin, nats.NoReconnect())
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("world: %w", err)
	}
	if err := provisionSoon(ctx, js, replicas, fns); err != nil {
		return nil, err
	}
	return fns, info.Save(dir)
}

// provisionTimeout bounds how long servers may take until they can make streams.
const provisionTimeout = time.Minute

// provisionSoon waits for servers that have just been started: they answer nothing until they have a leader.
func provisionSoon(ctx context.Context, js jetstream.JetStream, replicas int, fns []functions.Function) error {
	const attempt, pause = 5 * time.Second, 500 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, provisionTimeout)
	defer cancel()
	for {
		once, cancel := context.WithTimeout(ctx, attempt)
		err := functions.Provision(once, js, replicas, fns...)
		cancel()
		var refused *jetstream.APIError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &refused) && refused.Code < http.StatusInternalServerError:
			return err // they have a leader, and it refuses
		}
		if backoff.Sleep(ctx, pause) != nil {
			return fmt.Errorf("the servers did not find together within %s: %w", provisionTimeout, err)
		}
	}
}
