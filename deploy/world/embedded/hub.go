package embedded

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/nats-io/nats.go"

	"natster/deploy/accounts"
	"natster/functions/api"
	"natster/internal/private"
	"natster/workloads/catalog"
	"natster/workloads/catalog/library"
	"natster/workloads/catalog/server"
)

// A hubServer serves the hub's catalog, which every newcomer is given, from a directory.
type hubServer struct {
	conn   *nats.Conn
	cancel context.CancelFunc
	ended  chan error
}

// serveHub reads c.HubDir and returns when it is being served.
func (w *World) serveHub(ctx context.Context) (_ *hubServer, err error) {
	hint := func(err error) error {
		return fmt.Errorf("world: serve the hub's catalog from %s: %w", w.config.HubDir, err)
	}
	if err := private.Mkdir(filepath.Join(w.config.Dir, "hub")); err != nil {
		return nil, err
	}
	h := &hubServer{ended: make(chan error, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.stop())
		}
	}()
	l, err := library.Open(ctx, library.Config{
		Dir: w.config.HubDir, File: filepath.Join(w.config.Dir, "hub", "catalog.json"),
		Name: w.config.HubCatalog, Description: "what everybody is given", Logger: w.config.Logger,
	})
	if err != nil {
		return nil, hint(err)
	}
	if _, err := l.Scan(ctx); err != nil && !errors.Is(err, catalog.ErrAway) { // then it is served when it comes
		return nil, hint(err)
	}
	creds, err := w.keeper.User(ctx, w.known.Hub, accounts.OwnerUser, accounts.Permissions{All: true})
	if err != nil {
		return nil, err
	}
	// As any owner does, over the network: that connection outlives a revival of the server.
	if h.conn, err = w.info.Connect(ctx, creds, nats.Name("hub"), nats.ReconnectWait(restartWait)); err != nil {
		return nil, err
	}
	s, err := server.New(server.Config{
		Conn: h.conn, Account: w.known.Hub, Catalogs: []server.Library{l},
		Shares: api.NewClient(h.conn), Logger: w.config.Logger,
	})
	if err != nil {
		return nil, hint(err)
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx)) // until stop, not until Start's context ends
	h.cancel = cancel
	go func() {
		err := s.Run(running)
		if err != nil {
			w.config.Logger.Error("the hub's catalog is not served any more", "err", err)
		}
		h.ended <- err
	}()
	select {
	case <-s.Ready():
		return h, nil
	case err := <-h.ended:
		h.cancel = nil // it has ended
		cancel()
		return nil, hint(err)
	}
}

// stop returns when nothing of it runs any more.
func (h *hubServer) stop() error {
	if h == nil {
		return nil
	}
	var err error
	if h.cancel != nil {
		h.cancel()
		err = <-h.ended
	}
	if h.conn != nil {
		h.conn.Close()
	}
	return err
}
