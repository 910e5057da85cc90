package library

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Whoever shares his home directory does not share the keys that Natster keeps in it.
func TestKeysAreNeverListed(t *testing.T) {
	keys := ""
	s := newLibrary(t, func(c *Config) {
		keys = filepath.Join(c.Dir, "share", "natster")
		c.Private = []string{keys, filepath.Join(c.Dir, "nothing here")}
	})
	s.put("share/natster/world/keys/operator", "seed")
	s.put("share/music/a.mp3", "a")
	s.scan()
	if e := s.Contents().Entries; len(e) != 1 || e[0].Path != "share/music/a.mp3" {
		t.Errorf("listed are %v", e)
	}
	if k := s.Skipped(); len(k) != 1 || k[0].Path != "share/natster" || k[0].Reason != Private {
		t.Errorf("left out are %v", k)
	}
	for _, dir := range []string{keys, filepath.Join(keys, "world")} {
		if _, err := Open(t.Context(), Config{Name: s.cfg.Name, Dir: dir, Private: s.cfg.Private}); !errors.Is(err,
			ErrPrivate) {
			t.Errorf("%s can be a catalog: %v", dir, err)
		}
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(keys, link); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{Name: s.cfg.Name, Dir: link, Private: s.cfg.Private}); !errors.Is(err,
		ErrPrivate) {
		t.Errorf("through a link they can be a catalog: %v", err)
	}
}
