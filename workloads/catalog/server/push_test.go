package server_test

import (
	"bytes"
	"encoding/json"
	"strconv"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions/api"
	"natster/internal/test/catalogtest"
	"natster/internal/test/wait"
	"natster/workloads/catalog"
	"natster/workloads/catalog/seal"
	"natster/workloads/catalog/server"
)

func TestAnExistingClientDownloads(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	for _, size := range []int{0, 1, 4095, 4096, 4097, 700_000} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			content := catalogtest.Content(size, 1)
			e := w.Library.Add(strconv.Itoa(size)+".mp4", content)
			nc := w.Bob.Conn(t)
			sub, err := nc.SubscribeSync("natster.media.films." + e.Hash.String())
			if err != nil {
				t.Fatal(err)
			}
			key, _ := seal.NewKey()
			env := catalogtest.Ask(t, nc, "natster.catalog.films.download",
				[]byte(`{"hash":"`+e.Hash.String()+`","transcode":false,"target_xkey":"`+key.Public()+`"}`))
			expectCode(t, env, api.CodeOK)
			var a struct {
				Acknowledged bool   `json:"acknowledged"`
				ChunkSize    int    `json:"chunk_size"`
				TotalChunks  int    `json:"total_chunks"`
				Sender       string `json:"sender_xkey"`
				TotalBytes   int    `json:"total_bytes"`
			}
			if err := json.Unmarshal(env.Data, &a); err != nil {
				t.Fatal(err)
			}
			if !a.Acknowledged || a.ChunkSize != 4096 || a.TotalBytes != size ||
				a.TotalChunks != max(1, (size+4095)/4096) {
				t.Fatalf("%+v", a)
			}
			if bytes.Contains(env.Data, []byte("protocol")) || bytes.Contains(env.Data, []byte("session")) {
				t.Fatalf("an existing client is shown protocol 2: %s", env.Data)
			}
			var got []byte
			for i := range a.TotalChunks {
				m := wait.Message(t, sub)
				if m.Header.Get("x-natster-chunk-idx") != strconv.Itoa(i) ||
					m.Header.Get("x-natster-total-chunks") != strconv.Itoa(a.TotalChunks) ||
					m.Header.Get("x-natster-sender-xkey") != a.Sender || m.Header.Get("x-natster-transcoding") != "" {
					t.Fatalf("chunk %d: %v", i, m.Header)
				}
				plain, err := seal.Open1(m.Data, key, a.Sender)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, plain...)
			}
			if !bytes.Equal(got, content) {
				t.Fatal("another file")
			}
		})
	}
}

func TestOneAccountDoesNotTakeAllPushes(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(1<<20, 1))
	w.Serve(t, func(c *server.Config) { c.Limits.Pushes = 4 })
	goOn := make(chan struct{})
	w.Library.OnRead(e.Hash, func(int64) error { <-goOn; return nil })
	defer close(goOn)
	key, _ := seal.NewKey()
	q := catalog.DownloadRequest{Hash: e.Hash, Target: key.Public()}
	ask := func(nc *nats.Conn) api.Envelope { return catalogtest.Ask(t, nc, subject(events.VerbDownload), q) }
	for _, nc := range []*nats.Conn{w.Bob.Conn(t), w.Alice.Conn(t)} {
		expectCode(t, ask(nc), api.CodeOK)
		expectCode(t, ask(nc), api.CodeOK)
		expectCode(t, ask(nc), api.CodeTooMany)
	}
}
