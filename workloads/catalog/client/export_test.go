package client

import (
	"context"

	"natster/events"
	"natster/workloads/catalog"
)

// DownloadPushed downloads one file over protocol 1.
func DownloadPushed(c *Client, ctx context.Context, name events.Catalog, e catalog.Entry, dir string) (Result, error) {
	c.mu.Lock()
	c.seams.protocol1 = true
	c.mu.Unlock()
	return c.Download(ctx, name, []catalog.Entry{e}, dir, Options{})
}
