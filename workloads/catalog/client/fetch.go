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

// MaxFetched bounds what is fetched into a temporary file to be read from there, in bytes.
const MaxFetched = 4 << 30

// A fetched file is whole and verified, in a temporary directory that Close removes.
type fetched struct {
	*os.File
	dir  string
	size int64
}

func (f *fetched) Close() error                          { return errors.Join(f.File.Close(), os.RemoveAll(f.dir)) }
func (f *fetched) content(context.Context) io.ReadSeeker { return io.NewSectionReader(f, 0, f.size) }
func (f *fetched) broken() error                         { return nil }

// fetch downloads e into a temporary file.
func (c *Client) fetch(ctx context.Context, name events.Catalog, e catalog.Entry, o Options) (*fetched, error) {
	dir, err := os.MkdirTemp("", "natster-")
	if err != nil {
		return nil, diskError(err)
	}
	e.Path = "file" // every disk can have that name
	var f *os.File
	if _, err = c.Download(ctx, name, []catalog.Entry{e}, dir, o); err == nil {
		f, err = os.Open(filepath.Join(dir, e.Path))
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &fetched{f, dir, e.Size}, nil
}

// Stream writes a file of a catalog to w, in order and as it arrives. Only at the end is it known whether it has the
// listed hash: an error means that what was written is not the file, or not all of it. Errors are those of
// [Client.Download] and of w. From a server that only sends whole files it comes by way of a temporary file.
func (c *Client) Stream(ctx context.Context, name events.Catalog, e catalog.Entry, w io.Writer, o Options) error {
	origin, err := c.origin(ctx, name)
	if err != nil {
		return err
	}
	o.Parallel = 1
	d := &download{c: c, catalog: name, origin: origin, o: o, p: Progress{Files: 1, All: e.Size}}
	m := &meter{d: d, e: e}
	h := sha256.New()
	write := func(b []byte) error {
		_, err := w.Write(b)
		return diskError(err)
	}
	for {
		t, _, err := d.open(ctx, m, false)
		if err == nil {
			err = d.pull(ctx, t, m, h, write)
		}
		switch {
		case errors.Is(err, errLayout):
			continue
		case errors.Is(err, ErrNoRandomAccess):
			f, err := c.fetch(ctx, name, e, o)
			if err != nil {
				return err
			}
			_, err = io.Copy(w, f)
			return errors.Join(err, f.Close())
		case err != nil:
			return fmt.Errorf("%q: %w", e.Path, err)
		case events.Hash(h.Sum(nil)) != e.Hash:
			return fmt.Errorf("%q: %w", e.Path, ErrHash)
		}
		m.complete(Result{})
		return nil
	}
}
