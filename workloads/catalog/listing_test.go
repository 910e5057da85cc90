package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"natster/internal/test/eventstest"
)

// A hostile listing takes memory for what is shown of it, not for what was sent.
func TestAListingTakesMemoryForWhatIsShown(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	for name, entry := range map[string]func(n int) string{
		"bad entries":    func(n int) string { return `{"path":"../x"}` },
		"no entries":     func(n int) string { return `7` },
		"long bad paths": func(n int) string { return `{"path":"` + strings.Repeat("x", 1<<16) + `"}` },
		"long numbers":   func(n int) string { return `{"byte_size":` + strings.Repeat("9", 1<<16) + `}` },
		"long descriptions": func(n int) string {
			return fmt.Sprintf(`{"path":"%d","hash":%q,"description":%q}`, n, hash, strings.Repeat("x", 1<<18))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var l Listing
			const pages, bytes = 20, 512 << 10
			before := heap()
			for p := range pages {
				page := GetReply{Name: eventstest.Catalog(t, "films")}
				for size := 0; size < bytes && len(page.Entries) < 1024; {
					e := entry(p<<16 + len(page.Entries))
					size += len(e)
					page.Entries = append(page.Entries, json.RawMessage(e))
				}
				if err := l.Add(page); err != nil {
					t.Fatal(err)
				}
			}
			c := l.Contents()
			if took := int64(heap()) - int64(before); took > 4<<20 {
				t.Errorf("it takes %d bytes", took)
			}
			if len(c.Refused) > MaxRefused+1 {
				t.Errorf("%d entries are told to be left out", len(c.Refused))
			}
			runtime.KeepAlive(c)
		})
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestAListingHasAnEnd(t *testing.T) {
	var l Listing
	l.offered = MaxEntries - 1
	page := GetReply{Name: eventstest.Catalog(t, "films")}
	for i := range MaxRefused + 500 {
		page.Entries = append(page.Entries, json.RawMessage(fmt.Sprintf(
			`{"path":"%04d","hash":%q}`, i, strings.Repeat("ab", 32))))
	}
	if err := l.Add(page); err != nil || !l.Full() {
		t.Fatal(err, l.Full())
	}
	c := l.Contents()
	if len(c.Entries) != 1 || l.refused != MaxRefused+499 || !strings.Contains(c.Refused[1].Err.Error(), "1498 more") {
		t.Errorf("%d entries, %d left out: %v", len(c.Entries), l.refused, c.Refused)
	}

	l = Listing{size: MaxListing - 20}
	if err := l.Add(page); err != nil {
		t.Fatal(err)
	}
	if c = l.Contents(); len(c.Entries) != 0 || !errors.Is(c.Refused[0].Err, ErrContents) {
		t.Errorf("%d entries beyond the bytes of a listing, %v", len(c.Entries), c.Refused[0])
	}
}

// However a listing is cut into pages, it says the same.
func FuzzListing(f *testing.F) {
	f.Add([]byte(`[{"path":"a"},{"path":"a/b"},7]`), 1)
	hash := strings.Repeat("ab", 32)
	f.Add([]byte(fmt.Sprintf(`[{"path":"a","hash":%q},{"path":"a/b","hash":%q}]`, hash, hash)), 1)
	f.Fuzz(func(t *testing.T, entries []byte, cut int) {
		var all []json.RawMessage
		if json.Unmarshal(entries, &all) != nil {
			return
		}
		page := GetReply{Name: eventstest.Catalog(t, "films"), Entries: all}
		whole, err := page.Contents()
		if err != nil {
			t.Fatal(err)
		}
		cut = min(max(cut, 0), len(all))
		var l Listing
		for _, part := range [][]json.RawMessage{all[:cut], all[cut:]} {
			page.Entries = part
			if err := l.Add(page); err != nil {
				t.Fatal(err)
			}
		}
		paged := l.Contents()
		if len(whole.Entries) != len(paged.Entries) || len(whole.Refused) != len(paged.Refused) {
			t.Fatalf("whole %v, in pages %v", whole, paged)
		}
		for i, e := range whole.Entries {
			if e != paged.Entries[i] || CheckPath(e.Path) != nil {
				t.Fatalf("%v, in pages %v", e, paged.Entries[i])
			}
		}
	})
}
