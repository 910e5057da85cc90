package client_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/internal/test/catalogtest"
	"natster/workloads/catalog"
	"natster/workloads/catalog/client"
	"natster/workloads/catalog/seal"
)

// A recording is what a catalog server of the original program puts on the wire: its answer to get, and for each file,
// by its hash, the answer to download and all that it pushes then. What it pushes is sealed to one receiver.
type recording struct {
	Seed    string                     `json:"receiver_seed"`
	Listing json.RawMessage            `json:"get"`
	Files   map[string]recordedTakings `json:"download"`
}

type recordedTakings struct {
	Reply    json.RawMessage   `json:"reply"`
	Messages []recordedMessage `json:"messages"`
}

type recordedMessage struct {
	Header nats.Header `json:"header"`
	Data   []byte      `json:"data"`
}

const recordingFile = "testdata/original.json"

// What the recorded server has in its directory: /README.txt and so on, as its documented way to make a catalog lists
// them.
var (
	readme = []byte(strings.Repeat("Read me first. ", 90))
	notes  = catalogtest.Content(2*4096+809, 7)
	film   = catalogtest.Content(20_000, 8)
	clip   = catalogtest.Content(9_000, 9)
)

var record = flag.Bool("record", false, "make "+recordingFile+" anew")

var recorded = sync.OnceValue(func() error {
	if *record {
		return makeRecording()
	}
	return nil
})

// makeRecording writes what the contract says of the original: a leading slash, parameters of a type, the description
// that it makes up, chunks of 4096 bytes, more of them announced than come, and mp4 that it transcodes whether asked to
// or not.
func makeRecording() error {
	const seed = "SXAHWSY34UC24NXLC2LPUWPKXL56A3CEFW52FDQTZN3A5SGTHLN64BVRZ4"
	receiver, err := seal.KeyFromSeed(seed)
	if err != nil {
		return err
	}
	r := recording{Seed: seed, Files: make(map[string]recordedTakings)}
	type entry struct {
		Path        string `json:"path"`
		Description string `json:"description"`
		MIME        string `json:"mime_type"`
		Size        int    `json:"byte_size"`
		Hash        string `json:"hash"`
	}
	var entries []entry
	add := func(path, mime string, content, sent []byte, total int) error {
		sender, err := seal.NewKey()
		if err != nil {
			return err
		}
		hash := fmt.Sprintf("%x", sha256.Sum256(content))
		entries = append(entries, entry{path, "Auto-imported library entry", mime, len(content), hash})
		var f recordedTakings
		chunks := (len(sent) + 4095) / 4096
		f.Reply = fmt.Appendf(nil, `{"code":200,"data":{"acknowledged":true,"chunk_size":4096,"total_chunks":%d,`+
			`"sender_xkey":%q,"total_bytes":%d}}`,
			chunks+chunks/20+1, sender.Public(), total)
		for i := range chunks {
			sealed, err := seal.Seal1(sent[i*4096:min(len(sent), (i+1)*4096)], sender, receiver.Public())
			if err != nil {
				return err
			}
			h := nats.Header{
				"x-natster-chunk-idx": {fmt.Sprint(i)}, "x-natster-total-chunks": {fmt.Sprint(chunks)},
				"x-natster-sender-xkey": {sender.Public()},
			}
			if mime == "video/mp4" {
				h["x-natster-transcoding"] = []string{"true"}
			}
			f.Messages = append(f.Messages, recordedMessage{h, sealed})
		}
		r.Files[hash] = f
		return nil
	}
	if err := errors.Join(
		add("/README.txt", "text/plain; charset=utf-8", readme, readme, len(readme)),
		add("/docs/notes.md", "text/markdown; charset=utf-8", notes, notes, len(notes)),
		add("/film.mp4", "video/mp4", film, catalogtest.Content(26_500, 10), len(film)),
		add("/short/clip.mp4", "video/mp4", clip, catalogtest.Content(5_000, 11), 5_000),
		add("/.DS_Store", "application/octet-stream", []byte("x"), []byte("x"), 1),
	); err != nil {
		return err
	}
	data := map[string]any{"name": "films", "description": "My films", "image": "", "entries": entries}
	all, err := json.Marshal(map[string]any{"code": 200, "data": data})
	if err != nil {
		return err
	}
	r.Listing = all
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(recordingFile), 0o755); err != nil {
		return err
	}
	return os.WriteFile(recordingFile, append(b, '\n'), 0o644)
}

func readRecording(t testing.TB) recording {
	t.Helper()
	var r recording
	if err := recorded(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(recordingFile)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// playOriginal serves the recording from alice's account, and returns a client of bob's that it was recorded for.
func playOriginal(t *testing.T, w *catalogtest.World) (c *client.Client, asked *atomic.Int64) {
	t.Helper()
	r, nc := readRecording(t), w.Alice.Connect(t)
	t.Cleanup(nc.Close)
	asked = &atomic.Int64{}
	const group = "natstercatalog"
	_, err := nc.QueueSubscribe("*.natster.catalog.films.get", group, func(m *nats.Msg) { _ = m.Respond(r.Listing) })
	if err == nil {
		_, err = nc.QueueSubscribe("*.natster.catalog.films.download", group, func(m *nats.Msg) {
			asked.Add(1)
			var q struct {
				Hash string `json:"hash"`
			}
			f, listed := r.Files[q.Hash]
			if err := json.Unmarshal(m.Data, &q); err == nil {
				f, listed = r.Files[q.Hash]
			}
			if !listed {
				_ = m.Respond([]byte(`{"code":404,"error":"not found","data":""}`))
				return
			}
			_ = m.Respond(f.Reply)
			caller, _, _ := strings.Cut(m.Subject, ".")
			for _, x := range f.Messages {
				subject := caller + ".natster.media.films." + q.Hash
				_ = nc.PublishMsg(&nats.Msg{Subject: subject, Header: x.Header, Data: x.Data})
			}
		})
	}
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	c = bob(t, w)
	c.ReceiveWith(func() (*seal.Key, error) { return seal.KeyFromSeed(r.Seed) })
	return c, asked
}

func TestACatalogOfTheOriginalIsListed(t *testing.T) {
	c, _ := playOriginal(t, catalogtest.Start(t))
	got, err := c.List(t.Context(), films)
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, e := range got.Entries {
		listed = append(listed, e.Path+" "+e.MIMEType+e.Description)
	}
	want := "README.txt text/plain, docs/notes.md text/markdown, film.mp4 video/mp4, short/clip.mp4 video/mp4"
	if s := strings.Join(listed, ", "); s != want {
		t.Errorf("listed: %s", s)
	}
	if len(got.Refused) != 1 || got.Refused[0].Path != ".DS_Store" || got.Description != "My films" {
		t.Errorf("%+v", got)
	}
}

func TestACatalogOfTheOriginalIsDownloaded(t *testing.T) {
	c, _ := playOriginal(t, catalogtest.Start(t))
	listed, err := c.List(t.Context(), films)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	r, err := c.Download(t.Context(), films, listed.Entries, dir, client.Options{})
	if r.Files != 2 || strings.Count(fmt.Sprint(err), client.ErrTranscoded.Error()) != 2 ||
		!errors.Is(err, client.ErrTranscoded) {
		t.Fatalf("%+v, %v", r, err)
	}
	expectFile(t, dir, "README.txt", readme)
	expectFile(t, dir, "docs/notes.md", notes)
	expectOnly(t, dir, "README.txt", "docs/notes.md")
	if _, err := os.Stat(filepath.Join(dir, "short")); err == nil {
		t.Error("a directory is left, with nothing in it")
	}
}

func TestACatalogOfTheOriginalIsOpened(t *testing.T) {
	c, asked := playOriginal(t, catalogtest.Start(t))
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	listed, err := c.List(t.Context(), films)
	if err != nil {
		t.Fatal(err)
	}
	find := func(path string) catalog.Entry {
		e, err := listed.Find(path)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	g := c.Handler("secret")
	var last client.Progress
	var fetching []string
	g.Fetching = func(e catalog.Entry) func(client.Progress) {
		fetching = append(fetching, e.Path)
		return func(p client.Progress) { last = p }
	}
	if err := g.Prepare(t.Context(), films, find("notes.md")); err != nil {
		t.Fatal(err)
	}
	if last.AllDone != int64(len(notes)) || strings.Join(fetching, " ") != "docs/notes.md" {
		t.Errorf("fetched %q: %+v", fetching, last)
	}
	before := asked.Load()
	s := httptest.NewServer(g)
	defer s.Close()
	for _, rang := range [][2]int{{0, 10}, {5000, 9000}, {8191, 8193}} {
		q := httptest.NewRequestWithContext(t.Context(), "GET", s.URL+g.Path(films, find("notes.md")), nil)
		q.RequestURI = ""
		q.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", rang[0], rang[1]-1))
		a, err := s.Client().Do(q)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(a.Body)
		_ = a.Body.Close()
		if err != nil || a.StatusCode != 206 || !bytes.Equal(body, notes[rang[0]:rang[1]]) {
			t.Errorf("%v: %s, %d bytes, %v", rang, a.Status, len(body), err)
		}
	}
	if asked.Load() != before {
		t.Error("what was fetched is asked for again")
	}
	if err := g.Prepare(t.Context(), films, find("film.mp4")); !errors.Is(err, client.ErrTranscoded) {
		t.Errorf("a transcoded film: %v", err)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	expectOnly(t, tmp)
}

func TestAFileOfTheOriginalIsStreamed(t *testing.T) {
	c, _ := playOriginal(t, catalogtest.Start(t))
	t.Setenv("TMPDIR", t.TempDir())
	listed, err := c.List(t.Context(), films)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range listed.Entries {
		var out bytes.Buffer
		err := c.Stream(t.Context(), films, e, &out, client.Options{})
		switch {
		case e.MIMEType == "video/mp4":
			if !errors.Is(err, client.ErrTranscoded) || out.Len() > 0 {
				t.Errorf("%s: %d bytes, %v", e.Path, out.Len(), err)
			}
		case err != nil || sha256.Sum256(out.Bytes()) != [32]byte(e.Hash):
			t.Errorf("%s: %v", e.Path, err)
		}
	}
	expectOnly(t, os.Getenv("TMPDIR"))
}

// memory is a sink in memory that fails a write beyond what a file of its size has.
type memory struct{ b []byte }

func (m *memory) WriteAt(b []byte, off int64) (int, error) {
	if off < 0 || off+int64(len(b)) > int64(len(m.b)) {
		return 0, errors.New("written beyond the file")
	}
	return copy(m.b[off:], b), nil
}
func (m *memory) ReadAt(b []byte, off int64) (int, error) { return copy(b, m.b[off:]), nil }
func (*memory) Truncate(int64) error                      { return nil }
func (*memory) Sync() error                               { return nil }

// Whatever is pushed, in whatever order: what counts as come is the file's beginning.
func FuzzPushes(f *testing.F) {
	r := readRecording(f)
	key, err := seal.KeyFromSeed(r.Seed)
	if err != nil {
		f.Fatal(err)
	}
	e := catalog.Entry{Path: "notes.md", Size: int64(len(notes)), Hash: events.Hash(sha256.Sum256(notes))}
	sent := r.Files[e.Hash.String()]
	var reply struct {
		Data struct {
			Sender string `json:"sender_xkey"`
		} `json:"data"`
	}
	if err := json.Unmarshal(sent.Reply, &reply); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{0, 1, 2}, "0", []byte("x"), "")
	f.Add([]byte{2, 1, 0, 9}, "-1", sent.Messages[0].Data, "true")
	f.Add([]byte{9, 2, 9, 0, 1, 1}, "99999999999999999999", []byte{}, "TRUE")
	f.Fuzz(func(t *testing.T, order []byte, index string, data []byte, transcoding string) {
		var all []*nats.Msg
		for _, i := range order {
			if int(i) < len(sent.Messages) {
				all = append(all, &nats.Msg{Header: sent.Messages[i].Header, Data: sent.Messages[i].Data})
				continue
			}
			all = append(all, &nats.Msg{Data: data, Header: nats.Header{
				"x-natster-chunk-idx": {index}, "x-natster-sender-xkey": {reply.Data.Sender},
				"x-natster-transcoding": {transcoding},
			}})
		}
		m := &memory{make([]byte, e.Size)}
		n, err := client.TakePushed(e, 4096, reply.Data.Sender, key, all, m)
		if err != nil && !errors.Is(err, client.ErrTranscoded) {
			t.Fatal(err)
		}
		if bytes.Equal(data, sent.Messages[0].Data) {
			return // a chunk in another's place: the hash of the whole finds out
		}
		if !bytes.Equal(m.b[:n], notes[:n]) {
			t.Fatalf("%d bytes came that are not the file's", n)
		}
	})
}

func TestAProcessThatSleptGoesOn(t *testing.T) {
	const minute = 60e9
	if err := client.StillThere(minute, 65e9, 0); !errors.Is(err, client.ErrOffline) {
		t.Errorf("nothing for longer than a minute: %v", err)
	}
	if err := client.StillThere(minute, 65e9, 64e9); err != nil {
		t.Errorf("asleep for that time: %v", err)
	}
	if err := client.StillThere(minute, 65e9, 1e9); !errors.Is(err, client.ErrOffline) {
		t.Errorf("a busy machine is not one that sleeps: %v", err)
	}
}
