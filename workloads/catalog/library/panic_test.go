package library

import (
	"errors"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"natster/internal/supervise"
)

func TestAPanicWhileAFileIsReadConcernsThatFileOnly(t *testing.T) {
	s := newLibrary(t, func(c *Config) {
		c.hooks = hooks{onRead: func(p string) {
			if p == "bad" {
				panic("as told")
			}
		}}
	})
	s.put("bad", "1")
	s.put("good", "2")
	if _, err := s.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.lists("good")
	if got := s.Skipped(); len(got) != 1 || got[0].Path != "bad" || got[0].Reason != Unreadable {
		t.Errorf("left out: %v", got)
	}
}

func TestAPanicWhileADirectoryIsReadEndsTheScan(t *testing.T) {
	s := newLibrary(t, func(c *Config) {
		c.hooks = hooks{disks: func(p string) disk {
			if p == "dir" {
				panic("as told")
			}
			return ""
		}}
	})
	s.put("dir/file", "1")
	if _, err := s.Scan(t.Context()); !errors.Is(err, supervise.ErrPanic) {
		t.Errorf("the scan returned %v", err)
	}
}

func TestFollowGoesOnAfterPanics(t *testing.T) {
	var mu sync.Mutex
	panics := false
	of := make(map[string]bool) // the goroutines that have panicked
	s := newLibrary(t, func(c *Config) {
		c.Rescan, c.DiskCheck = testQuiet, testQuiet
		c.hooks = hooks{disks: func(string) disk {
			mu.Lock()
			defer mu.Unlock()
			if !panics {
				return ""
			}
			for _, who := range []string{"(*diskCheck).start", "(*follower).look"} {
				of[who] = of[who] || strings.Contains(string(debug.Stack()), who)
			}
			panics = !of["(*diskCheck).start"] || !of["(*follower).look"] // this is the last one
			panic("as told")
		}}
	})
	s.put("a", "1")
	s.follow()
	s.untilLists("a")
	mu.Lock()
	panics = true
	mu.Unlock()
	s.put("b", "2")
	s.untilLists("a b")
	s.put("c", "3")
	s.untilLists("a b c")
	mu.Lock()
	defer mu.Unlock()
	if panics {
		t.Errorf("panicked: %v", of)
	}
}
