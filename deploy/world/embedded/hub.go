package embedded

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"

	"natster/deploy/accounts"
	"natster/functions/api"
	"natster/internal/private"
	"natster/internal/supervise"
	"natster/workloads/catalog"
	"natster/workloads/catalog/library"
	"natster/workloads/catalog/server"
)

// serveHub serves the hub's catalog, which is shared with every account, and returns when it is being served.
func (w *World) serveHub(ctx context.Context) (*supervise.Running, error) {
	if err := private.Mkdir(filepath.Join(w.config.Dir, "hub")); err != nil {
		return nil, err
	}
	creds, err := w.keeper.Owner(ctx, w.info.Hub)
	if err != nil {
		return nil, err
	}
	// Until it is stopped, not until Start's context ends.
	hub := supervise.Go(context.WithoutCancel(ctx),
		supervise.Config{Logger: w.config.Logger.With("catalog", w.config.HubCatalog)},
		func(ctx context.Context, ready func()) error { return w.hubCatalog(ctx, creds, ready) })
	if err := hub.Started(ctx); err != nil {
		hub.Stop()
		return nil, fmt.Errorf("world: serve the hub's catalog from %s: %w", w.config.HubDir, err)
	}
	return hub, nil
}

// hubCatalog serves the hub's catalog until ctx is done.
func (w *World) hubCatalog(ctx context.Context, creds accounts.Creds, ready func()) error {
	l, err := library.Open(ctx, library.Config{
		Dir: w.config.HubDir, File: filepath.Join(w.config.Dir, "hub", "catalog.json"),
		Name: w.config.HubCatalog, Description: "what everybody is given", Logger: w.config.Logger,
	})
	if err != nil {
		return err
	}
	if _, err := l.Scan(ctx); err != nil && !errors.Is(err, catalog.ErrAway) { // which is served once it is there
		return err
	}
	// Over the network, as any owner does: that connection survives a restart of the server.
	nc, err := w.info.Connect(ctx, creds, nats.Name("hub"), nats.ReconnectWait(250*time.Millisecond))
	if err != nil {
		return err
	}
	defer nc.Close()
	return server.Serve(ctx, server.Config{
		Conn: nc, Account: w.info.Hub, Catalogs: []server.Library{l}, Shares: api.NewClient(nc),
		Logger: w.config.Logger,
	}, func(*server.Server) { ready() })
}
