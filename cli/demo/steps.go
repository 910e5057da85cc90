package demo

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"natster/cli/term"
	"natster/events"
	"natster/workloads/catalog"
	"natster/workloads/catalog/library"
)

// download lets bob download everything, checks it again, and prints what the server saw of it.
func (d *demo) download(ctx context.Context) error {
	d.step("Bob downloads everything, while a tap listens inside the server")
	t, err := d.tap(ctx, d.media)
	if err != nil {
		return err
	}
	defer t.nc.Close()
	to := filepath.Join(d.dir, "bob")
	if err := d.run(ctx, "bob", 2, "catalog", "download", "media", "--all", "--out", to); err != nil {
		return err
	}
	if err := t.end(ctx, t.needle.sample); err != nil {
		return err
	}
	c, _, err := library.ReadFile(filepath.Join(d.dir, "data", "natster", "alice", "catalogs", "media.json"))
	if err != nil {
		return err
	}
	if d.result.Verified, err = verified(ctx, to, c.Entries); err != nil {
		return err
	}
	t.mu.Lock() // heartbeats are still received
	defer t.mu.Unlock()
	d.result.Files, d.result.Bytes = len(c.Entries), c.Size()
	d.result.TapMessages, d.result.TapBytes = t.messages, t.bytes
	d.result.TapMediaBytes, d.result.TapPlaintext = t.media, t.plaintext
	blind := t.inTheClear == 0 && t.needle.sample != nil
	if d.result.Verified != len(c.Entries) || t.plaintext > 0 || t.media < c.Size() || blind {
		return fmt.Errorf("%w: %d of %d files verified; the tap heard %d bytes of media, with %d pieces of plaintext, "+
			"and %d pieces where there are some",
			errDemo, d.result.Verified, len(c.Entries), t.media, t.plaintext, t.inTheClear)
	}
	d.good("%d of %d files have the hash that Alice's catalog lists", d.result.Verified, len(c.Entries))
	d.good("the tap heard %s, %s of it media; of it plaintext: 0 bytes", term.Bytes(t.bytes), term.Bytes(t.media))
	where := ""
	if t.searched > mostSearched {
		where = " in the first " + term.Bytes(mostSearched)
	}
	d.fact("  %s", d.Out.Dim(fmt.Sprintf("(looked%s for %s of 32 bytes of the files; in the clear it finds them)",
		where, term.Count(len(t.needle.pieces), "piece"))))
	return nil
}

// verified returns how many of the entries are in dir with the right hash.
func verified(ctx context.Context, dir string, entries []catalog.Entry) (n int, err error) {
	for _, e := range entries {
		if ctx.Err() != nil {
			return n, ctx.Err()
		}
		f, err := os.Open(filepath.Join(dir, filepath.FromSlash(e.Path)))
		if err != nil {
			return n, err
		}
		h := sha256.New()
		_, err = io.Copy(h, f)
		if err = errors.Join(err, f.Close()); err != nil {
			return n, err
		}
		if events.Hash(h.Sum(nil)) == e.Hash {
			n++
		}
	}
	return n, nil
}

// takeBack ends the share and waits for the refusal.
func (d *demo) takeBack(ctx context.Context) error {
	d.step("Alice takes the share back, and Bob is refused")
	began := time.Now()
	if err := d.run(ctx, "alice", 1, "catalog", "unshare", "media", "bob"); err != nil {
		return err
	}
	words := []string{"catalog", "contents", "media"}
	for {
		_, err := d.quiet(ctx, "bob", nil, words...)
		refused, is := errors.AsType[refusal](err)
		switch {
		case is:
			took := time.Since(began)
			d.result.RefusedMillis = float64(took.Microseconds()) / 1000
			d.prompt("bob", words)
			d.show("natster: "+string(refused), 1)
			d.good("refused %s after Alice pressed return", took.Round(time.Millisecond))
			return nil
		case err != nil:
			return err
		case time.Since(began) > time.Second:
			return fmt.Errorf("%w: a second after the share was taken back, it still can be read", errDemo)
		}
	}
}

// measure compares a download with what the server can do.
func (d *demo) measure(ctx context.Context) error {
	d.step(fmt.Sprintf("How fast: a file of %s of noise, and the same over NATS alone", term.Bytes(d.Noise)))
	dir := filepath.Join(d.dir, "noise")
	if err := noise(filepath.Join(dir, "noise.bin"), d.Noise); err != nil {
		return err
	}
	for _, words := range [][]string{{"catalog", "new", "noise", dir}, {"catalog", "share", "noise", "bob"}} {
		if _, err := d.quiet(ctx, "alice", nil, words...); err != nil {
			return err
		}
	}
	if err := d.serve(ctx, "noise"); err != nil {
		return err
	}
	if _, err := d.quiet(ctx, "bob", nil, "catalog", "import", "noise", "alice"); err != nil {
		return err
	}
	words := []string{"catalog", "download", "noise", "--all", "--json", "--out", filepath.Join(d.dir, "bob")}
	out, err := d.quiet(ctx, "bob", d.Stderr, words...)
	if err != nil {
		return err
	}
	var r struct {
		Bytes   int64   `json:"bytes"`
		Seconds float64 `json:"seconds"`
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		return err
	}
	raw, err := d.raw(ctx, d.Noise)
	if err != nil {
		return err
	}
	d.result.Throughput, d.result.RawThroughput = float64(r.Bytes)/r.Seconds, float64(d.Noise)/raw.Seconds()
	d.fact("natster   %10s  %s", term.Rate(r.Bytes, r.Seconds),
		d.Out.Dim("disk to disk, encrypted, hash checked, on disk when done"))
	d.fact("raw NATS  %10s  %s", term.Rate(d.Noise, raw.Seconds()),
		d.Out.Dim("memory to memory, the same accounts, in the clear, nothing checked"))
	return nil
}
