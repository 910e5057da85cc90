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

// WriteThrough makes c write partial files through what f returns.
func (c *Client) WriteThrough(f func(*os.File) Sink) { c.seams.sink = f }

// A Disk is the directory of a download.
type Disk = disk

// OnDisk makes c download to what f returns for a directory.
func (c *Client) OnDisk(f func(*os.Root) Disk) { c.seams.disk = f }

// Folded returns the same for paths that some disk takes for one.
var Folded = folded

// OnSystem makes c download as on a system of that name.
func (c *Client) OnSystem(goos string) { c.seams.system = goos }

// OnTheWire makes c receive what f returns for each frame.
func (c *Client) OnTheWire(f func([]byte) [][]byte) { c.seams.wire = f }

// DownloadPushed downloads one file over protocol 1.
func DownloadPushed(c *Client, ctx context.Context, name events.Catalog, e catalog.Entry, dir string) (Result, error) {
	c.seams.protocol1 = true
	return c.Download(ctx, name, []catalog.Entry{e}, dir, Options{})
}

// PartialName returns the name of e until it is whole.
var PartialName = partialName

// ReceiveWith makes c receive with the keys that f returns.
func (c *Client) ReceiveWith(f func() (*seal.Key, error)) { c.seams.key = f }

// StillThere returns the error of a transfer that received nothing for quiet, in part because the process slept.
func StillThere(timeout, quiet, slept time.Duration) error {
	queue := []*slot{{ready: make(chan struct{})}}
	t := &transfer{c: New(Config{}), timeout: timeout, moved: time.Now().Add(-quiet), queue: queue}
	t.slept(slept)
	t.holdoff = time.Now().Add(time.Hour)
	t.look()
	return t.err
}

// TakePushed gives the messages of a push of e to a receiver with key, and returns how many bytes have come in order.
func TakePushed(e catalog.Entry, chunkSize int, sender string, key *seal.Key, all []*nats.Msg, s Sink) (int64, error) {
	d := &download{c: New(Config{})}
	p := &partial{e: e, name: e.Path, sink: s}
	layout := seal.Layout{Size: e.Size, ChunkSize: chunkSize}
	if err := layout.Check(); err != nil {
		return 0, err
	}
	r := &receipt{d: d, p: p, m: &meter{d: d, e: e}, layout: layout, have: make(map[int64]bool)}
	x := &push{reply: catalog.DownloadReply{Sender: sender}, key: key}
	for _, m := range all {
		mine, err := x.has(m)
		if mine {
			_, err = r.message(x, m)
		}
		if err != nil {
			return p.size, err
		}
	}
	return p.size, nil
}

var _ interface {
	io.ReaderAt
	io.Closer
} = (*File)(nil)
