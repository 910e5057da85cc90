package server

import (
	"context"

	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog"
)

// A Library is a catalog as its server sees it. All methods are called concurrently.
type Library interface {
	// Name is the catalog's, always the same.
	Name() events.Catalog
	// Contents is what the catalog lists now, sorted by path. It is shared with other callers, who must not change it.
	Contents() catalog.Contents
	// Revision grows with every change of the contents.
	Revision() int64
	// Changes returns a channel that becomes readable when the contents change after the call.
	Changes() <-chan struct{}
	// Follow keeps the catalog what its directory is, until ctx is done; then it returns nil.
	Follow(context.Context) error
	// OpenFile opens a file with the given content. It fails with [catalog.ErrNotFound] if none is listed, with
	// [catalog.ErrChanged] if the listed one is not that any more, and with [catalog.ErrAway] if that cannot be known.
	OpenFile(events.Hash) (catalog.File, error)
}

// Shares is the source of who may read what; an [api.Client] is one.
type Shares interface {
	// Shares returns the shares by and to this account, as of the highest position observed or later.
	Shares(context.Context) ([]api.Share, error)
	// Observe takes note that the event log has reached the position.
	Observe(position uint64)
}

// A Positioner is a source of [Shares] that also knows how far the event log is. A server asks it before each look at
// the shares, so that a view that lags behind is not believed.
type Positioner interface {
	// LastPosition returns the position of the last event that this account caused. If no function of the world can
	// say, it fails with [github.com/nats-io/nats.go.ErrNoResponders] at once.
	LastPosition(context.Context) (uint64, error)
}
