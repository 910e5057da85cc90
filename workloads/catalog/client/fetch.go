package client

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"natster/events"
	"natster/workloads/catalog"
)

// MostFetched bounds what is fetched into a temporary file to be read from there, in bytes.
const MostFetched = 4 << 30

// fetched is a whole and verified file in a temporary directory.
type fetched struct {
	*os.File
	dir string
}

func (f *fetched) remove() error { return errors.Join(f.Close(), os.RemoveAll(f.dir)) }

// Fetch is [Client.Open] for servers that only send whole files: it downloads e into a temporary file, which goes when the
// returned one is closed. Errors are those of [Client.Download].
func (c *Client) Fetch(ctx context.Context, name events.Catalog, e catalog.Entry, o Options) (*File, error) {
	local, err := c.fetch(ctx, name, e, o)
	if err != nil {
		return nil, err
	}
	f := &File{c: c, src: source{catalog: name, hash: e.Hash, size: e.Size}, entry: e, local: local}
	f.ctx, f.stop = context.WithCancel(context.Background())
	f.position = f.NewReader(f.ctx)
	return f, nil
}

func (c *Client) fetch(ctx context.Context, name events.Catalog, e catalog.Entry, o Options) (*fetched, error) {
	dir, err := os.MkdirTemp("", "natster-")
	if err != nil {
		return nil, diskError(err)
	}
	it := e
	it.Path = "file" // whatever the name is, this disk can hold it
	var f *os.File
	if _, err = c.Download(ctx, name, []catalog.Entry{it}, dir, o); err == nil {
		f, err = os.Open(filepath.Join(dir, it.Path))
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &fetched{f, dir}, nil
}

// Stream writes a file of a catalog to w, from its beginning to its end, as it comes. Only then is it known whether it has the
// listed hash: an error says that what was written is not the file, or not all of it. Errors are those of [Client.Download]
// and of w. From a server that only sends whole files it comes by way of a temporary file.
func (c *Client) Stream(ctx context.Context, name events.Catalog, e catalog.Entry, w io.Writer, o Options) error {
	origin, err := c.origin(ctx, name)
	if err != nil {
		return err
	}
	o.Parallel = 1
	d := &download{c: c, catalog: name, origin: origin, o: o}
	d.p.Files, d.p.All = 1, e.Size
	m := &meter{d: d, e: e}
	out := &partial{path: e.Path, name: e.Path, sink: &through{Writer: w}}
	h := sha256.New()
	for {
		err := d.pull(ctx, out, m, h)
		switch {
		case errors.Is(err, errLayout):
			continue
		case errors.Is(err, ErrNoRandomAccess):
			f, err := c.fetch(ctx, name, e, o)
			if err != nil {
				return err
			}
			_, err = io.Copy(w, f)
			return errors.Join(err, f.remove())
		case err != nil:
			return fmt.Errorf("%q: %w", e.Path, err)
		case hashOf(h) != e.Hash:
			return fmt.Errorf("%q: %w", e.Path, ErrHash)
		}
		m.complete(Result{})
		return nil
	}
}

// through is a sink that can only be appended to.
type through struct{ io.Writer }

func (t *through) WriteAt(b []byte, _ int64) (int, error) { return t.Write(b) }
func (*through) ReadAt([]byte, int64) (int, error)        { return 0, errors.ErrUnsupported }
func (*through) Truncate(int64) error                     { return errors.ErrUnsupported }
func (*through) Sync() error                              { return nil }
func (*through) Close() error                             { return nil }
