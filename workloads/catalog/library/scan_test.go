//go:build unix

package library

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"natster/workloads/catalog"
)

func TestLeftOutWithAReason(t *testing.T) {
	s := newLibrary(t)
	outside := t.TempDir()
	s.do(os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600))
	s.put("good/film.mp4", "film")
	s.put("good/.hidden", "x")
	s.put(".git/config", "x")
	for _, n := range []string{"a.swp", "a~", "a.TMP", "#a#", "~$a.docx", "a.partial", "a.crdownload", "a.part",
		"4913"} {
		s.put("temp/"+n, "x")
	}
	links := map[string]string{
		"out": outside + "/secret", "up": "../secret", "sneaky": "good/../../x", "etc": "/etc/passwd",
		"dangling": "nowhere",
		"loop":     "loop", "dirlink": "good", "self": ".", "absolute": s.path("good/film.mp4"),
		"fine":      "good/film.mp4",
		"good/back": "../good/film.mp4", "chain": "fine", "topipe": "pipe",
	}
	for name, to := range links {
		s.do(os.Symlink(to, s.path(name)))
	}
	s.do(syscall.Mkfifo(s.path("pipe"), 0o644))
	sock, err := net.Listen("unix", s.path("sock"))
	s.do(err)
	defer sock.Close()
	for _, n := range []string{"new\nline", "bell\a", "not\xffutf8", `back\slash`, "rtl\u202egpj.exe"} {
		s.put("names/"+n, "x")
	}
	s.put("names/bad\n/inside", "x")

	r := s.scan()
	s.lists("chain fine good/back good/film.mp4")
	for _, p := range strings.Fields(s.paths()) {
		if !s.holds(p, "film") {
			t.Errorf("%s has other content", p)
		}
	}
	want := map[string]Reason{
		"good/.hidden": Hidden, ".git": Hidden, "out": LeavesRoot, "up": LeavesRoot, "sneaky": LeavesRoot,
		"etc":      LeavesRoot,
		"absolute": LeavesRoot, "dangling": DanglingLink, "loop": DanglingLink, "dirlink": DirectoryLink,
		"self": DirectoryLink,
		"pipe": Special, "sock": Special, "topipe": Special, "names/new\nline": BadName, "names/bell\a": BadName,
		"names/not\xffutf8": BadName, `names/back\slash`: BadName, "names/rtl\u202egpj.exe": BadName,
		"names/bad\n": BadName,
		"temp/a.swp":  Temporary, "temp/a~": Temporary, "temp/a.TMP": Temporary, "temp/#a#": Temporary,
		"temp/~$a.docx": Temporary, "temp/a.partial": Temporary, "temp/a.crdownload": Temporary,
		"temp/a.part": Temporary,
		"temp/4913":   Temporary,
	}
	loud := 0
	for _, k := range s.Skipped() {
		if want[k.Path] != k.Reason {
			t.Errorf("unexpected: %v", k)
		}
		if strings.ContainsAny(k.String(), "\n\a") {
			t.Errorf("%q would play with the terminal", k)
		}
		delete(want, k.Path)
		if !k.Reason.Quiet() {
			loud++
		}
	}
	if len(want) > 0 || r.Skipped != loud {
		t.Errorf("not reported: %v; %d of %d reasons counted", want, r.Skipped, loud)
	}
	if _, err := s.OpenFile(hashOf("secret")); !errors.Is(err, catalog.ErrNotFound) {
		t.Error(err)
	}
}

func TestTheCatalogFileIsNotListed(t *testing.T) {
	dir := t.TempDir()
	s := newLibrary(t, func(c *Config) { c.Dir, c.File = dir, filepath.Join(dir, "films.json") })
	s.put("a", "a")
	for range 3 {
		s.scan()
		s.lists("a")
	}
}

func TestADeepTree(t *testing.T) {
	s := newLibrary(t)
	deep := strings.Repeat("d/", catalog.MaxDepth-1)
	s.put(deep+"last", "x")
	s.put(deep+"d/beyond", "x")
	s.scan()
	s.lists(deep + "last")
	if got := s.reason(deep + "d/beyond"); got != BadName {
		t.Errorf("beyond the limit: %q; %v", got, s.Skipped())
	}
}

// faults runs a scan of the files a, b, c in which fault strikes as b is about to be opened, or right after it was
// read.
func faults(t *testing.T, onOpen, onRead func(s *testLibrary)) *testLibrary {
	var s *testLibrary
	at := func(f func(*testLibrary)) func(string) {
		return func(p string) {
			if p == "dir/b" && f != nil {
				f(s)
			}
		}
	}
	s = newLibrary(t, func(c *Config) { c.hooks = hooks{onOpen: at(onOpen), onRead: at(onRead)} })
	for _, p := range []string{"a", "b", "c"} {
		s.put("dir/"+p, p)
	}
	s.scan()
	return s
}

func TestFilesThatChangeUnderTheScan(t *testing.T) {
	t.Run("deleted before it is opened", func(t *testing.T) {
		s := faults(t, func(s *testLibrary) { s.remove("dir/b") }, nil)
		s.lists("dir/a dir/c")
	})
	t.Run("its directory replaced by a link that leads out", func(t *testing.T) {
		s := faults(t, func(s *testLibrary) {
			s.move("dir", "was")
			s.do(os.Symlink("/etc", s.path("dir")))
		}, nil)
		for _, e := range s.Contents().Entries {
			if !s.holds(e.Path, strings.TrimPrefix(e.Path, "dir/")) {
				t.Errorf("%+v", e)
			}
		}
	})
	t.Run("replaced by a link that leads out", func(t *testing.T) {
		s := faults(t, func(s *testLibrary) {
			s.remove("dir/b")
			s.do(os.Symlink("/etc/passwd", s.path("dir/b")))
		}, nil)
		s.lists("dir/a dir/c")
		if s.reason("dir/b") != Unreadable {
			t.Error(s.Skipped())
		}
	})
	t.Run("replaced by a pipe", func(t *testing.T) {
		s := faults(t, func(s *testLibrary) {
			s.remove("dir/b")
			s.do(syscall.Mkfifo(s.path("dir/b"), 0o644))
		}, nil)
		s.lists("dir/a dir/c")
		if s.reason("dir/b") != Special {
			t.Error(s.Skipped())
		}
	})
	t.Run("replaced by a directory", func(t *testing.T) {
		s := faults(t, func(s *testLibrary) {
			s.remove("dir/b")
			s.put("dir/b/x", "x")
		}, nil)
		s.lists("dir/a dir/c")
		s.scan()
		s.lists("dir/a dir/b/x dir/c")
	})
	t.Run("written once more", func(t *testing.T) {
		once := false
		s := faults(t, nil, func(s *testLibrary) {
			if !once {
				s.put("dir/b", "better")
			}
			once = true
		})
		if !s.holds("dir/b", "better") {
			t.Error(s.Contents(), s.Skipped())
		}
	})
	t.Run("cut short", func(t *testing.T) {
		s := faults(t, nil, func(s *testLibrary) { s.put("dir/b", "") })
		if !s.holds("dir/b", "") && s.reason("dir/b") != Writing {
			t.Error(s.Contents(), s.Skipped())
		}
	})
	t.Run("growing all the time", func(t *testing.T) {
		n := 1
		growing := true
		s := faults(t, nil, func(s *testLibrary) {
			if growing {
				n++
				s.put("dir/b", strings.Repeat("b", n))
			}
		})
		s.lists("dir/a dir/c")
		if s.reason("dir/b") != Writing {
			t.Error(s.Skipped())
		}
		growing = false
		s.scan()
		s.lists("dir/a dir/b dir/c")
		if s.reason("dir/b") != "" {
			t.Error(s.Skipped())
		}
	})
}

func TestAWriteWithinTheClocksGrainIsSeen(t *testing.T) {
	s := newLibrary(t)
	for i := range 20 { // the same size, within the same tick of the file system's clock
		s.put("a", fmt.Sprintf("%02d", i))
		s.scan()
		if want := fmt.Sprintf("%02d", i); !s.holds("a", want) {
			t.Fatalf("the catalog missed that the content is now %s", want)
		}
	}
}

func TestACancelledScanKeepsWhatItRead(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	s := newLibrary(t, func(c *Config) {
		c.hooks = hooks{onRead: func(p string) {
			if strings.HasSuffix(p, "/5") {
				cancel()
			}
		}}
	})
	for ; n < 400; n++ {
		s.put(fmt.Sprintf("%02d/%d", n%10, n/10), fmt.Sprint(n))
	}
	r, err := s.Scan(ctx)
	if !errors.Is(err, context.Canceled) || r.Hashed == 0 || r.Hashed == n {
		t.Fatal(r, err)
	}
	s.reopen()
	if r2 := s.scan(); r2.Hashed != n-r.Hashed || r2.Files != n {
		t.Errorf("after %d files of %d: %+v", r.Hashed, n, r2)
	}
	for i := range 100 {
		s.put(fmt.Sprintf("%02d/%d", i%10, i/10), "changed "+fmt.Sprint(i))
	}
	s.Scan(ctx)
	if got := len(s.Contents().Entries); got != n {
		t.Errorf("a scan cancelled at once left %d of %d entries", got, n)
	}
}

func TestProgressAddsUp(t *testing.T) {
	var all []Progress
	s := newLibrary(t, func(c *Config) { c.Progress = func(p Progress) { all = append(all, p) } })
	for i := range 300 {
		s.put(fmt.Sprint(i), strings.Repeat("x", 1000))
	}
	s.scan()
	first, last := all[0], all[len(all)-1]
	if first.TotalFiles != 300 || first.TotalBytes != 300_000 || first.Files != 0 || !last.Done || last.Files != 300 ||
		last.Bytes != 300_000 {
		t.Errorf("%+v … %+v", first, last)
	}
}

func TestALargeFileIsReadInPieces(t *testing.T) {
	s := newLibrary(t)
	for _, n := range []int{readSize - 1, readSize, readSize + 1, 3*readSize + 7} {
		content := strings.Repeat("0123456789", n/10+1)[:n]
		s.put(fmt.Sprint(n), content)
		s.scan()
		if !s.holds(fmt.Sprint(n), content) {
			t.Errorf("a file of %d bytes has the wrong hash", n)
		}
	}
}

func TestWithoutACatalogFile(t *testing.T) {
	s := newLibrary(t, func(c *Config) { c.File = "" })
	s.put("a", "a")
	s.scan()
	s.lists("a")
}

func TestUntilOlder(t *testing.T) {
	now := time.Now()
	for age, want := range map[time.Duration]time.Duration{
		0: time.Second, 400 * time.Millisecond: 600 * time.Millisecond, time.Second: 0, time.Hour: 0, -time.Hour: 0,
	} {
		if got := untilOlder(now.Add(-age).UnixNano(), now, time.Second); got != want {
			t.Errorf("%v old: %v", age, got)
		}
	}
}

func TestNormalScope(t *testing.T) {
	for in, want := range map[string]string{
		"b a": "a b", "a/b a": "a", "a a/b a/b/c a b": "a b", "a a.x a/b": "a a.x", "a . b": ".", "a/b a/c": "a/b a/c",
	} {
		if got := strings.Join(normalScope(strings.Fields(in)), " "); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}

func TestATimeAfterTheEndOfNanosecondsIsNotKnown(t *testing.T) {
	for at, want := range map[time.Time]int64{
		time.Date(1969, 7, 20, 20, 17, 40, 0, time.UTC): -14182940,
		time.Date(2106, 3, 1, 0, 0, 0, 0, time.UTC):     4296844800,
		time.Date(2400, 1, 1, 0, 0, 0, 0, time.UTC):     0,
		time.Date(1500, 1, 1, 0, 0, 0, 0, time.UTC):     0,
	} {
		fi, err := fstest.MapFS{"a": {ModTime: at}}.Stat("a")
		if err != nil {
			t.Fatal(err)
		}
		if got := stampOf(fi).seconds(); got != want {
			t.Errorf("a file of %s is listed as modified at %s", at, time.Unix(got, 0))
		}
	}
}
