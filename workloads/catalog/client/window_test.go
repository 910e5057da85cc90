package client

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"natster/events"
	"natster/workloads/catalog"
	"natster/workloads/catalog/seal"
)

// The page's tests play the same steps.
func TestTheWindow(t *testing.T) {
	type step struct {
		Arrived, Lost *int64 // milliseconds
		Tries, Times  int
		Window, Batch int
		Timeouts      [3]int64 // milliseconds, of the first, second and ninth time
	}
	var table struct {
		Cases []struct {
			Name  string
			Chunk int
			Steps []step
		}
		Overtaken []struct {
			Asked, Came uint64
			Lost        bool
		}
	}
	data, err := os.ReadFile("../testdata/window.json")
	if err == nil {
		err = json.Unmarshal(data, &table)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range table.Cases {
		t.Run(c.Name, func(t *testing.T) {
			w, begin := newWindow(c.Chunk, 4<<20), time.Now()
			for i, s := range c.Steps {
				for range max(1, s.Times) {
					switch {
					case s.Arrived != nil:
						w.arrived(time.Duration(*s.Arrived)*time.Millisecond, max(1, s.Tries))
					case s.Lost != nil:
						w.lost(begin.Add(time.Duration(*s.Lost) * time.Millisecond))
					}
				}
				if w.size != s.Window || w.batch() != s.Batch {
					t.Errorf("step %d: the window is %d and a batch %d, want %d and %d",
						i, w.size, w.batch(), s.Window, s.Batch)
				}
				for k, tries := range []int{1, 2, 9} {
					if d := w.timeout(tries).Milliseconds() - s.Timeouts[k]; d < -1 || d > 1 {
						t.Errorf("step %d: the timeout of time %d is %v, want %d ms",
							i, tries, w.timeout(tries), s.Timeouts[k])
					}
				}
			}
		})
	}
	for _, c := range table.Overtaken {
		if overtaken(c.Asked, c.Came) != c.Lost {
			t.Errorf("%+v", c)
		}
	}
	if w := newWindow(1<<20, 1); w.most != 1 || w.size != 1 {
		t.Errorf("a window for less than a chunk: %+v", w)
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
	f.Add([]byte(`{"acknowledged":true,"protocol":2,"session":"AAAAAAAAAAAAAAAAAAAAAAAAAA","chunk_size":4096,` +
		`"total_bytes":1,"sender_xkey":"X","header":"eGt2MQ=="}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var a catalog.DownloadReply
		if json.Unmarshal(b, &a) != nil {
			return
		}
		c := New(Config{})
		if s, err := c.newSession(source{catalog: films, size: a.TotalBytes}, key, a); err == nil {
			t.Fatalf("a session came of nothing: %+v", s)
		}
	})
}
