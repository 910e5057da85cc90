package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog"
)

// unshareTimeout bounds [Client.TellUnshare]: a server of the account is near.
const unshareTimeout = 500 * time.Millisecond

// TellUnshare tells the account's own servers that its catalog is shared with an account no more: before the event log
// is told, with position 0, and afterwards, with the position there. They refuse the account at once and end its
// sessions; it returns when one of them has. Without a server it returns nil; [ErrOffline] says that none answered in
// time.
func (c *Client) TellUnshare(
	ctx context.Context, name events.Catalog, with events.Account, position uint64,
) error {
	body, err := json.Marshal(catalog.UnshareRequest{Catalog: name, Target: with, Position: position})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, unshareTimeout)
	defer cancel()
	r, err := c.Conn.RequestWithContext(ctx, events.LocalUnshare, body)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w: its server does not answer", name, ErrOffline)
	case err != nil:
		return err
	}
	_, err = api.DecodeReply(r.Data)
	return err
}
