package embedded

import (
	"context"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"natster/deploy/accounts"
	"natster/deploy/world"
)

// ConnectAs connects inside the process, without a socket; the connection ends with the world. The caller closes it.
func (w *World) ConnectAs(ctx context.Context, creds accounts.Creds, options ...nats.Option) (*nats.Conn, error) {
	all := []nats.Option{nats.InProcessServer(w.running()), nats.NoReconnect()}
	return world.Info{}.Connect(ctx, creds, append(all, options...)...)
}

// running returns the server that runs now, or ran last.
func (w *World) running() *server.Server {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.server
}

// Admin connects to the global account with every right in it: for provisioning and rebuilding, not for functions.
func (w *World) Admin(ctx context.Context) (*nats.Conn, error) {
	creds, err := w.keeper.Admin(ctx)
	if err != nil {
		return nil, err
	}
	return w.ConnectAs(ctx, creds, nats.Name(accounts.AdminUser))
}
