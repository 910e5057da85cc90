package client

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/workloads/catalog"
	"natster/workloads/catalog/seal"
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

// OnSystem makes c download as on a system of that name.
func (c *Client) OnSystem(goos string) { c.seams.system = goos }

// OnTheWire makes f of every frame that comes.
func (c *Client) OnTheWire(f func([]byte) [][]byte) { c.seams.wire = f }

// DownloadPushed downloads one file over protocol 1.
func DownloadPushed(c *Client, ctx context.Context, name events.Catalog, e catalog.Entry, dir string) (Result, error) {
	c.seams.protocol1 = true
	return c.Download(ctx, name, []catalog.Entry{e}, dir, Options{})
}

// PartialName is where e is until it is whole.
var PartialName = partialName

// ReceiveWith makes c receive with the keys that f returns.
func (c *Client) ReceiveWith(f func() (*seal.Key, error)) { c.seams.key = f }

// StillThere is what a transfer makes of the time that nothing has come for, when this process has slept for some of it.
func StillThere(timeout, quiet, slept time.Duration) error {
	t := &transfer{c: New(Config{}), timeout: timeout, moved: time.Now().Add(-quiet), queue: []*slot{{ready: make(chan struct{})}}}
	t.slept(slept)
	t.holdoff = time.Now().Add(time.Hour)
	t.look()
	return t.err
}

// TakePushed gives what comes of a push of e to a receiver with key, and returns what has come in order.
func TakePushed(e catalog.Entry, chunkSize int, sender string, key *seal.Key, all []*nats.Msg, s Sink) (int64, error) {
	d := &download{c: New(Config{}), p: Progress{}}
	p := &partial{path: e.Path, name: e.Path, sink: s}
	r := &receipt{d: d, p: p, m: &meter{d: d, e: e}, layout: seal.Layout{Size: e.Size, ChunkSize: chunkSize}, have: make(map[int64]bool)}
	if err := r.layout.Check(); err != nil {
		return 0, err
	}
	x := &pushed{reply: catalog.DownloadReply{Sender: sender}, key: key}
	furthest := int64(-1)
	for _, m := range all {
		if _, err := r.message(x, m, &furthest); err != nil {
			return p.size, err
		}
	}
	return p.size, nil
}

var _ io.ReadSeekCloser = (*File)(nil)
