package catalog

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

// holding lists paths, each with a content of its own.
func holding(t testing.TB, paths ...string) Contents {
	t.Helper()
	var entries []string
	for i, p := range paths {
		entries = append(entries, strings.Replace(entry(p), someHash[:8], fmt.Sprintf("%08x", 0xabc00000+i), 1))
	}
	c := contents(t, listing(entries...))
	if len(c.Refused) > 0 {
		t.Fatal(c.Refused)
	}
	return c
}

const (
	cafeNFC, cafeNFD       = "Caf\u00e9", "Cafe\u0301"
	angstromNFC, angstNFD  = "\u00c5.txt", "A\u030a.txt"
	angstromSign           = "\u212b.txt" // the same in either form
	beyonceNFC, beyonceNFD = "Beyonc\u00e9", "Beyonce\u0301"
)

func TestAFileIsFoundByItsNameAsTyped(t *testing.T) {
	c := holding(t, cafeNFD+".txt", "menu/"+cafeNFC+".pdf", angstromNFC, angstNFD, beyonceNFD+"/halo.mp3", "a/same",
		"b/same", "a/abc0")
	for what, want := range map[string]string{
		cafeNFC + ".txt": cafeNFD + ".txt", cafeNFD + ".txt": cafeNFD + ".txt", cafeNFD + ".pdf": "menu/" + cafeNFC +
			".pdf",
		angstromNFC: angstromNFC, angstNFD: angstNFD, beyonceNFC + "/halo.mp3": beyonceNFD + "/halo.mp3",
		"halo.mp3": beyonceNFD + "/halo.mp3",
		"/a/same":  "a/same", "./b/same": "b/same",
	} {
		if e, err := c.Find(what); err != nil || e.Path != want {
			t.Errorf("%+q: %+q, %v", what, e.Path, err)
		}
	}
	for _, what := range []string{"same", angstromSign, "abc0"} {
		_, err := c.Find(what)
		if f, ok := errors.AsType[*FindError](err); !ok || !errors.Is(err, ErrAmbiguous) || len(f.Candidates) < 2 {
			t.Errorf("%+q: %v", what, err)
		}
	}
	if _, err := c.Find("SAME"); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), `"a/same"`) {
		t.Error(err)
	}
}

func TestSelect(t *testing.T) {
	c := holding(t,
		"a.jpg", "photos/b.jpg", "photos/2024/c.jpg", "photos/2024/c.png", "photos/2025/d.jpg", "old/photos/x.JPG",
		beyonceNFD+"/halo.mp3", "what?.txt", "[1].txt", "1.txt", "shows/Season "+
			"1/e1.mkv", "shows/Season 2/e1.mkv", "more/Season 2/e2.mkv",
	)
	for words, want := range map[string]string{
		"a.jpg":                         "a.jpg",
		"photos":                        "photos/b.jpg photos/2024/c.jpg photos/2024/c.png photos/2025/d.jpg",
		"photos/":                       "photos/b.jpg photos/2024/c.jpg photos/2024/c.png photos/2025/d.jpg",
		"/photos/2024/":                 "photos/2024/c.jpg photos/2024/c.png",
		"2024":                          "photos/2024/c.jpg photos/2024/c.png",
		"2024/|a.jpg|2024/c.jpg":        "a.jpg photos/2024/c.jpg photos/2024/c.png",
		beyonceNFC:                      beyonceNFD + "/halo.mp3",
		beyonceNFC + "/":                beyonceNFD + "/halo.mp3",
		"Season 1/":                     "shows/Season 1/e1.mkv",
		"e2.mkv":                        "more/Season 2/e2.mkv",
		"*.jpg":                         "a.jpg photos/b.jpg photos/2024/c.jpg photos/2025/d.jpg",
		"?.jpg":                         "a.jpg photos/b.jpg photos/2024/c.jpg photos/2025/d.jpg",
		"[bc].*":                        "photos/b.jpg photos/2024/c.jpg photos/2024/c.png",
		"photos/*":                      "photos/b.jpg",
		"photos/**":                     "photos/b.jpg photos/2024/c.jpg photos/2024/c.png photos/2025/d.jpg",
		"photos/**/*.jpg":               "photos/b.jpg photos/2024/c.jpg photos/2025/d.jpg",
		"**/c.*":                        "photos/2024/c.jpg photos/2024/c.png",
		"photos/20*/":                   "photos/2024/c.jpg photos/2024/c.png photos/2025/d.jpg",
		"202?":                          "photos/2024/c.jpg photos/2024/c.png photos/2025/d.jpg",
		beyonceNFC[:3] + "*\u00e9/*":    beyonceNFD + "/halo.mp3",
		"what?.txt":                     "what?.txt",
		"[1].txt":                       "[1].txt",
		"abc00001":                      "photos/b.jpg",
		"*.png|*.png|photos/2024/c.png": "photos/2024/c.png",
	} {
		got, err := c.Select(strings.Split(words, "|")...)
		var paths []string
		for _, e := range got {
			paths = append(paths, e.Path)
		}
		if s := strings.Join(paths, " "); err != nil || s != want {
			t.Errorf("%q: %q, %v", words, s, err)
		}
	}
	if all, err := c.Select("/"); err != nil || len(all) != len(c.Entries) {
		t.Error(all, err)
	}
	for word, want := range map[string]struct {
		err  error
		says string
	}{
		"a.jpg/":    {ErrNotFound, "no such file"},
		"Season 2":  {ErrAmbiguous, `"shows/Season 2/", "more/Season 2/"`},
		"Season 2/": {ErrAmbiguous, `"shows/Season 2/", "more/Season 2/"`},
		"e1.mkv":    {ErrAmbiguous, `"shows/Season 1/e1.mkv" (`},
		"abc0":      {ErrAmbiguous, "did you mean"},
		"*.gif":     {ErrNotFound, "no such file"},
		"[":         {ErrNotFound, "no such file"},
		"[a":        {ErrNotFound, "no such file"},
		"":          {ErrNotFound, "no such file"},
		"../a.jpg":  {ErrNotFound, `"a.jpg"`},
		"PHOTOS":    {ErrNotFound, "did you mean"},
	} {
		got, err := c.Select(word)
		if !errors.Is(err, want.err) || !strings.Contains(err.Error(), want.says) {
			t.Errorf("%q: %v, %v", word, got, err)
		}
	}
}

func FuzzSelect(f *testing.F) {
	c := holding(f, "a.jpg", "photos/b.jpg", "photos/2024/c.jpg", beyonceNFD+"/halo.mp3", "[1].txt")
	for _, s := range []string{"a.jpg", "*", "**", "**/**/x", "photos/**", "[", "\xff*", beyonceNFC, "/", "//",
		"***/*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, word string) {
		got, err := c.Select(word)
		if (err == nil) != (len(got) > 0) {
			t.Fatal(got, err)
		}
		if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrAmbiguous) {
			t.Fatal(err)
		}
		if e, err := c.Find(norm.NFD.String(word)); err == nil && e.Hash.IsZero() {
			t.Fatal(e)
		}
	})
}

func TestTheLikeliestCandidateComesFirst(t *testing.T) {
	c := holding(t, "a/b.mp4.txt", "b.mp4")
	if _, err := c.Find("B.MP4"); err == nil || !strings.Contains(err.Error(), `did you mean "b.mp4"`) {
		t.Error(err)
	}
}
