package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"natster/events"
	"natster/internal/backoff"
	"natster/workloads/catalog"
)

// maxPages bounds the pages of a listing: with [catalog.MaxEntries] it has some hundred.
const maxPages = 5000

// Served reports whether a server answers for the account's own catalog now.
func (c *Client) Served(ctx context.Context, name events.Catalog) (bool, error) {
	const last = "\U0010ffff" // no path follows: the reply is small
	var page catalog.GetReply
	err := c.ask(ctx, name, events.VerbGet, catalog.GetRequest{Page: true, After: last}, &page)
	if errors.Is(err, ErrOffline) {
		return false, nil
	}
	return err == nil, err
}

// List returns what a catalog holds, under the name that it has in this account. Its server is not trusted: bad entries
// are left out, see [catalog.GetReply.Contents]. Errors wrap [ErrNotShared], [ErrOffline] or [catalog.ErrContents].
func (c *Client) List(ctx context.Context, name events.Catalog) (catalog.Contents, error) {
	origin, err := c.origin(ctx, name)
	if err != nil {
		return catalog.Contents{}, err
	}
	var all catalog.Listing
	q := catalog.GetRequest{Page: true, Accept: catalog.Gzip}
	for n := 1; ; n++ {
		var page catalog.GetReply
		if err := c.ask(ctx, name, events.VerbGet, q, &page); err != nil {
			return catalog.Contents{}, err
		}
		if page, err = page.Plain(); err != nil {
			return catalog.Contents{}, fmt.Errorf("%s: %w", name, err)
		}
		if err := all.Add(page); err != nil {
			return catalog.Contents{}, fmt.Errorf("%s: %w", name, err)
		}
		if page.Revision > 0 {
			c.speaks2.Store(name, true)
		}
		if page.Next == "" || all.Full() {
			break
		}
		if page.Next <= q.After || len(page.Entries) == 0 || n == maxPages {
			return catalog.Contents{}, fmt.Errorf("%s: %w: its pages do not end", name, catalog.ErrContents)
		}
		q.After = page.Next
	}
	contents := all.Contents()
	if contents.Name != origin.Catalog {
		return catalog.Contents{}, fmt.Errorf("%s: %w: it calls itself %s", name, catalog.ErrContents, contents.Name)
	}
	contents.Name = name
	return contents, nil
}

// Await is [Client.List] of a catalog that may not be served yet: it asks until a server answers, or ctx ends. waiting
// is called if the first time none answers.
func (c *Client) Await(ctx context.Context, name events.Catalog, waiting func()) (catalog.Contents, error) {
	pause := backoff.Doubling(100*time.Millisecond, 2*time.Second)
	for attempt := 1; ; attempt++ {
		contents, err := c.List(ctx, name)
		if !errors.Is(err, ErrOffline) && !errors.Is(err, ErrBusy) {
			return contents, err
		}
		if waiting != nil {
			waiting()
			waiting = nil
		}
		if err := backoff.Sleep(ctx, pause(attempt)); err != nil {
			return contents, err
		}
	}
}
