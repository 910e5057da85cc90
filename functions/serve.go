package functions

import (
	"context"

	"github.com/nats-io/nats.go"
)

// Serve runs f once, on a connection of its own, until ctx is done: it connects, runs a [Runner], and calls ready when
// that is ready. connect connects as the user of the function's own account, with these options among others. c.Conn is
// not used.
func Serve(ctx context.Context, f Function, c Config,
	connect func(context.Context, ...nats.Option) (*nats.Conn, error), ready func(*Runner),
) error {
	r, err := NewRunner(f, c)
	if err != nil {
		return err
	}
	nc, err := connect(ctx, nats.Name(f.Name), nats.CustomInboxPrefix(f.InboxPrefix()),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			r.log.Error("trouble with NATS", "err", err)
		}))
	if err != nil {
		return err
	}
	defer nc.Close()
	r.cfg.Conn = nc
	r.onReady = func() { ready(r) }
	return r.Run(ctx)
}
