package client

import (
	"encoding/json"
	"testing"
	"time"

	"natster/events"
	"natster/workloads/catalog"
	"natster/workloads/catalog/seal"
)

func TestTheWindowFollowsTheLatency(t *testing.T) {
	w := newWindow(128<<10, 8<<20)
	if w.size != 2 || w.most != 32 {
		t.Fatalf("%+v", w)
	}
	for range 100 {
		w.arrived(10 * time.Millisecond)
	}
	if w.size != 32 {
		t.Fatalf("fast: %d", w.size)
	}
	w.arrived(500 * time.Millisecond)
	if w.size != 32 {
		t.Fatalf("neither fast nor slow: %d", w.size)
	}
	for range 100 {
		w.arrived(time.Second)
	}
	if w.size != 1 {
		t.Fatalf("slow: %d", w.size)
	}
	if w := newWindow(1<<20, 8<<20); w.most != 8 {
		t.Fatalf("8 MiB are %d MiB", w.most)
	}
	if w := newWindow(1<<20, 1); w.most != 1 || w.size != 1 {
		t.Fatalf("%+v", w)
	}
}

func TestTheTimeoutFollowsTheLatency(t *testing.T) {
	w := newWindow(128<<10, 8<<20)
	if d := w.timeout(0); d != 3*time.Second {
		t.Fatal("before anything is known:", d)
	}
	for range 100 {
		w.arrived(2 * time.Millisecond)
	}
	if d := w.timeout(0); d != minTimeout {
		t.Fatal("near:", d)
	}
	for range 100 {
		w.arrived(2 * time.Second)
	}
	if d := w.timeout(0); d < 2*time.Second || d > 4*time.Second {
		t.Fatal("far:", d)
	}
	if d := w.timeout(100); d != maxTimeout {
		t.Fatal("again and again:", d)
	}
}

func FuzzDownloadReply(f *testing.F) {
	key, err := seal.NewKey()
	if err != nil {
		f.Fatal(err)
	}
	films, err := events.ParseCatalog("films")
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"acknowledged":true,"protocol":2,"session":"AAAAAAAAAAAAAAAAAAAAAAAAAA","chunk_size":4096,"total_bytes":1,"sender_xkey":"X","header":"eGt2MQ=="}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var a catalog.DownloadReply
		if json.Unmarshal(b, &a) != nil {
			return
		}
		c := NewWith(Config{})
		if s, err := c.newSession(source{catalog: films, size: a.TotalBytes}, key, a); err == nil {
			t.Fatalf("a session came of nothing: %+v", s)
		}
	})
}
