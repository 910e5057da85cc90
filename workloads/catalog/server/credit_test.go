package server_test

import (
	"io"
	"testing"

	"natster/events"
	"natster/functions/api"
	"natster/internal/test/catalogtest"
	"natster/internal/test/wait"
	"natster/workloads/catalog"
	"natster/workloads/catalog/client"
	"natster/workloads/catalog/seal"
	"natster/workloads/catalog/server"
)

// miserly lets an account owe 64 KiB, and forgives nearly nothing.
func miserly(c *server.Config) { c.Limits.Unproved, c.Limits.Forgiven = 64<<10, 1 }

const owes = 64<<10 + 64<<10 // and what the workers have in hand when that is reached

// prove asks for chunks, and proves that frames with these counters arrived.
func (x *receiver) prove(got catalog.Proofs, chunks ...[2]int64) api.Envelope {
	x.t.Helper()
	q := catalog.FetchRequest{Session: x.reply.Session, Chunks: chunks, Got: got}
	return catalogtest.Ask(x.t, x.nc, subject(events.VerbFetch), q)
}

func TestWhoAsksAndDoesNotListenIsSentNoMoreThanItMayOwe(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(1<<20, 1))
	s, _ := w.Serve(t, miserly)
	nc := w.Bob.Conn(t)
	for range 3 { // more sessions are owed no more
		x := openSession(t, nc, w.Alice.Key, w.Bob.Key, e, 4096)
		expectCode(t, x.fetch([2]int64{0, 256}), api.CodeOK)
	}
	wait.Eventually(t, "what he may owe", func() bool { return s.Usage().Bytes >= 64<<10 })
	before := s.Usage().Bytes

	// The turns of others, meanwhile, are as many as he would have had.
	own := openSession(t, w.Alice.Conn(t), w.Alice.Key, w.Alice.Key, e, 4096)
	expectCode(t, own.fetch([2]int64{0, 256}), api.CodeOK)
	for range 256 {
		own.frame()
	}
	if n := s.Usage().Bytes - 1<<20; n > owes || n < before-4096 {
		t.Errorf("he was sent %d bytes", n)
	}
}

func TestAFileOfOneByteCostsMoreThanThat(t *testing.T) {
	w := catalogtest.Start(t)
	tiny := w.Library.Add("1.txt", []byte("1"))
	e := w.Library.Add("a.mp4", catalogtest.Content(1<<20, 1))
	s, _ := w.Serve(t, miserly)
	var again [][2]int64
	for range catalog.MaxFetchRanges {
		again = append(again, [2]int64{0, 1})
	}
	const most = 64 << 10 / server.LeastCost
	for range 4 {
		x := openSession(t, w.Bob.Conn(t), w.Alice.Key, w.Bob.Key, tiny, 4096)
		for range 4 {
			expectCode(t, x.fetch(again...), api.CodeOK)
		}
	}
	// What is his has its turn meanwhile: as often as his sessions together.
	own := openSession(t, w.Alice.Conn(t), w.Alice.Key, w.Alice.Key, e, 4096)
	for range 4 {
		expectCode(t, own.fetch([2]int64{0, 256}), api.CodeOK)
		for range 256 {
			own.frame()
		}
	}
	if n := s.Usage().Bytes - 4<<20; n > most {
		t.Errorf("he was sent %d frames", n)
	}
}

func TestWhoProvesWhatArrivedIsSentTheFile(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(1<<20, 1))
	w.Serve(t, miserly)
	x := openSession(t, w.Bob.Conn(t), w.Alice.Key, w.Bob.Key, e, 4096)
	var got catalog.Proofs
	for i := int64(0); i < 256; i += 8 {
		expectCode(t, x.prove(got, [2]int64{i, 8}), api.CodeOK)
		got = nil
		for range 8 {
			got = append(got, x.frame().Counter)
		}
	}
}

func TestAGuessProvesNothing(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(1<<20, 1))
	s, _ := w.Serve(t, miserly)
	x := openSession(t, w.Bob.Conn(t), w.Alice.Key, w.Bob.Key, e, 4096)
	expectCode(t, x.fetch([2]int64{0, 256}), api.CodeOK)
	wait.Eventually(t, "what he may owe", func() bool { return s.Usage().Bytes >= 64<<10 })
	var guesses catalog.Proofs
	for i := range catalog.MaxProofs {
		guesses = append(guesses, uint64(i))
	}
	f := x.frame()
	for _, wrong := range []catalog.Proofs{guesses, {f.Counter, f.Counter + 1}} {
		expectCode(t, x.prove(wrong), api.CodeOK)
		own := openSession(t, w.Alice.Conn(t), w.Alice.Key, w.Alice.Key, e, 4096)
		before := s.Usage().Bytes
		expectCode(t, own.fetch([2]int64{0, 64}), api.CodeOK)
		for range 64 {
			own.frame()
		}
		if n := s.Usage().Bytes - before; n > 64*4096+4096*4 {
			t.Errorf("%d guesses were worth something: %d bytes were sent", len(wrong), n)
		}
	}
	expectCode(t, x.prove(catalog.Proofs{f.Counter}), api.CodeOK) // ends nothing, and what is right counts
	for range 15 {
		x.frame()
	}
}

func TestTheClientProvesWhatArrives(t *testing.T) {
	w := catalogtest.Start(t)
	content := catalogtest.Content(3<<20, 1)
	e := w.Library.Add("a.mp4", content)
	w.Serve(t, func(c *server.Config) { c.Limits.Unproved, c.Limits.Forgiven = 512<<10, 1 })
	c := client.New(client.Config{Conn: w.Bob.Conn(t), Account: w.Bob.Key, ChunkSize: 16 << 10})
	for range 3 { // the last of one file is not owed by the next
		f, err := c.Open(t.Context(), catalogtest.Films, e)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, io.NewSectionReader(f, 0, f.Size()))
		if err != nil || n != int64(len(content)) {
			t.Fatalf("%d bytes, %v", n, err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhoProvesNothingIsSentTheFileAsTimeGoesBy(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(1<<20, 1))
	w.Serve(t, func(c *server.Config) { c.Limits.Unproved, c.Limits.Forgiven = 64<<10, 4<<20 })
	x := openSession(t, w.Bob.Conn(t), w.Alice.Key, w.Bob.Key, e, 4096)
	expectCode(t, x.fetch([2]int64{0, 256}), api.CodeOK)
	for range 256 {
		x.frame()
	}
}

func TestWhoIsPushedAFileIsSentAQuarterOfWhatItMayOwe(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(1<<20, 1))
	s, _ := w.Serve(t, miserly)
	key, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	q := catalog.DownloadRequest{Hash: e.Hash, Target: key.Public()}
	expectCode(t, catalogtest.Ask(t, w.Bob.Conn(t), subject(events.VerbDownload), q), api.CodeOK)
	wait.Eventually(t, "what he may owe", func() bool { return s.Usage().Bytes >= 16<<10 })
	own := openSession(t, w.Alice.Conn(t), w.Alice.Key, w.Alice.Key, e, 4096)
	expectCode(t, own.fetch([2]int64{0, 256}), api.CodeOK)
	for range 256 {
		own.frame()
	}
	if n := s.Usage().Bytes - 1<<20; n > 16<<10+4096 {
		t.Errorf("he was pushed %d bytes", n)
	}
}
