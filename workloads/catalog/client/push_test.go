package client_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/internal/test/catalogtest"
	"natster/workloads/catalog/client"
	"natster/workloads/catalog/seal"
)

func TestAnExistingServerIsDownloadedFrom(t *testing.T) {
	w := catalogtest.Start(t)
	content := catalogtest.Content(50*4096+77, 1)
	e := w.Library.Add("a.mp4", content)
	empty := w.Library.Add("empty", nil)
	nc := w.Alice.Conn(t)
	files := map[string][]byte{e.Hash.String(): content, empty.Hash.String(): nil}
	var fault atomic.Pointer[func(try, chunk int) int] // how often to send it
	var tries atomic.Int64
	sub, err := nc.Subscribe("*.natster.catalog.films.download", func(m *nats.Msg) {
		var q struct {
			Hash   string `json:"hash"`
			Target string `json:"target_xkey"`
		}
		if err := json.Unmarshal(m.Data, &q); err != nil {
			t.Error(err)
		}
		file := files[q.Hash]
		key, _ := seal.NewKey()
		total := (len(file) + 4095) / 4096
		_ = m.Respond(fmt.Appendf(nil, `{"code":200,"data":{"acknowledged":true,"chunk_size":4096,"total_chunks":%d,`+
			`"total_bytes":%d,"sender_xkey":%q}}`, total, len(file), key.Public()))
		try := int(tries.Add(1))
		for i := range total {
			sealed, err := seal.Seal1(file[i*4096:min(len(file), (i+1)*4096)], key, q.Target)
			if err != nil {
				t.Error(err)
			}
			n := 1
			if f := fault.Load(); f != nil {
				n = (*f)(try, i)
			}
			for range n {
				subject := w.Bob.Key.String() + ".natster.media.films." + q.Hash
				_ = nc.PublishMsg(&nats.Msg{Subject: subject, Data: sealed, Header: nats.Header{
					"x-natster-chunk-idx": {fmt.Sprint(i)}, "x-natster-total-chunks": {fmt.Sprint(total)},
					"x-natster-sender-xkey": {key.Public()},
				}})
			}
		}
	})
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Unsubscribe()
	for name, f := range map[string]func(try, chunk int) int{
		"well":            func(int, int) int { return 1 },
		"chunks twice":    func(int, int) int { return 2 },
		"some lost":       func(try, i int) int { return min(1, (i+try)%3) },
		"the last is not": func(try, i int) int { return min(1, 50-i+try-1) },
	} {
		t.Run(name, func(t *testing.T) {
			tries.Store(0)
			fault.Store(&f)
			dir := t.TempDir()
			c := bob(t, w, func(c *client.Config) { c.Timeout = 200 * time.Millisecond })
			if _, err := download(t, c, dir, e, empty); err != nil {
				t.Fatal(err)
			}
			expectFile(t, dir, "a.mp4", content)
			expectFile(t, dir, "empty", nil)
		})
	}
	if _, err := bob(t, w).Open(t.Context(), films, e); !errors.Is(err, client.ErrNoRandomAccess) {
		t.Fatal(err)
	}
	lost := func(int, int) int { return 0 }
	fault.Store(&lost)
	c := bob(t, w, func(c *client.Config) { c.Timeout = 50 * time.Millisecond })
	dir := t.TempDir()
	if _, err := download(t, c, dir, e); !errors.Is(err, client.ErrOffline) {
		t.Fatal(err)
	}
	expectOnly(t, dir)
}

func TestBothSidesCanSpeakProtocol1(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	for _, n := range []int{0, 1, 4096, 100_001} {
		content := catalogtest.Content(n, 1)
		e := w.Library.Add(fmt.Sprint(n), content)
		dir := t.TempDir()
		if _, err := client.DownloadPushed(bob(t, w), t.Context(), films, e, dir); err != nil {
			t.Fatal(n, err)
		}
		expectFile(t, dir, fmt.Sprint(n), content)
	}
}
