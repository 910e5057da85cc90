package world

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"natster/deploy/accounts"
	"natster/events"
)

// dialPatience bounds a connection attempt whose context has no deadline.
const dialPatience = 5 * time.Second

// Connect connects over the network, as any process on this machine can; the caller closes the connection.
// Reconnecting goes on for as long as the connection is open, unless an option says otherwise.
func (i Info) Connect(ctx context.Context, creds accounts.Creds, options ...nats.Option) (*nats.Conn, error) {
	all := []nats.Option{nats.UserCredentialBytes(creds), nats.MaxReconnects(-1), dialTimeout(ctx)}
	if i.Fingerprint != "" {
		pinned, err := PinnedTLS(i.Fingerprint)
		if err != nil {
			return nil, fmt.Errorf("world: %w", err)
		}
		all = append(all, nats.Secure(pinned))
	}
	return connect(ctx, i.URL, append(all, options...))
}

// ConnectAs connects inside the process, without a socket; the connection ends with the world. The caller closes it.
func (w *World) ConnectAs(ctx context.Context, creds accounts.Creds, options ...nats.Option) (*nats.Conn, error) {
	all := []nats.Option{nats.UserCredentialBytes(creds), nats.InProcessServer(w.running()), nats.NoReconnect(), dialTimeout(ctx)}
	return connect(ctx, "", append(all, options...))
}

// running is the server that runs now, or ran last.
func (w *World) running() *server.Server {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.server
}

// Admin connects to the global account with every right in it: for provisioning and rebuilding, not for functions.
func (w *World) Admin(ctx context.Context) (*nats.Conn, error) {
	return w.connectOwner(ctx, w.known.Global, adminUser)
}

// Hub connects to the hub's account with every right in it.
func (w *World) Hub(ctx context.Context) (*nats.Conn, error) {
	return w.connectOwner(ctx, w.known.Hub, accounts.OwnerUser)
}

// Site connects to the website's account with every right in it.
func (w *World) Site(ctx context.Context) (*nats.Conn, error) {
	return w.connectOwner(ctx, w.known.Site, accounts.OwnerUser)
}

func (w *World) connectOwner(ctx context.Context, a events.Account, user string) (*nats.Conn, error) {
	creds, err := w.keeper.User(ctx, a, user, accounts.Permissions{All: true})
	if err != nil {
		return nil, err
	}
	return w.ConnectAs(ctx, creds, nats.Name(user))
}

// dial is how the keeper reaches the server.
func (w *World) dial(ctx context.Context, creds accounts.Creds) (*nats.Conn, error) {
	return w.ConnectAs(ctx, creds)
}

func connect(ctx context.Context, url string, options []nats.Option) (*nats.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("world: connect: %w", err)
	}
	nc, err := nats.Connect(url, options...)
	if err != nil {
		return nil, fmt.Errorf("world: connect: %w", err)
	}
	return nc, nil
}

func dialTimeout(ctx context.Context) nats.Option {
	if deadline, has := ctx.Deadline(); has {
		return nats.Timeout(max(time.Until(deadline), time.Millisecond))
	}
	return nats.Timeout(dialPatience)
}
