package client

import (
	"context"
	"io"
	"os"

	"natster/events"
	"natster/workloads/catalog"
)

// A Sink is what a partial file is written through.
type Sink = sink

// WriteThrough makes c write partial files through what f makes of them.
func (c *Client) WriteThrough(f func(*os.File) Sink) { c.seams.sink = f }

// A Disk is the directory of a download.
type Disk = disk

// OnDisk makes c download to what f makes of a directory.
func (c *Client) OnDisk(f func(*os.Root) Disk) { c.seams.disk = f }

// Folded is what some disk may take a path for.
var Folded = folded

// OnTheWire makes f of every frame that comes.
func (c *Client) OnTheWire(f func([]byte) [][]byte) { c.seams.wire = f }

// DownloadPushed downloads one file over protocol 1.
func DownloadPushed(c *Client, ctx context.Context, name events.Catalog, e catalog.Entry, dir string) (Result, error) {
	c.seams.protocol1 = true
	return c.Download(ctx, name, []catalog.Entry{e}, dir, Options{})
}

// PartialName is where e is until it is whole.
var PartialName = partialName

var _ io.ReadSeekCloser = (*File)(nil)
