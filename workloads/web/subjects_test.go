package web_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"natster/events"
	"natster/functions/api"
)

// The page cannot import the declarations: it writes its subjects down in one file, as they are declared here.
func TestThePageUsesTheDeclaredSubjects(t *testing.T) {
	const src = "page/src"
	file := filepath.Join(src, "lib", "subjects.ts")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"put":       api.PutWeb.Subject(),
		"shares":    api.MyShares.Subject(),
		"names":     api.Names.Subject(),
		"imports":   api.ListImports.Subject(),
		"import":    api.ImportCatalog.Subject(),
		"unimport":  api.UnimportCatalog.Subject(),
		"inbox":     events.LocalInbox,
		"unshare":   events.LocalUnshare,
		"heartbeat": events.LocalHeartbeat,
		"offline":   events.LocalOffline,
		"online":    events.FeedLocal(events.FeedHeartbeat),
		"news":      events.NewsLocal,
	}
	found := regexp.MustCompile(`(?m)^  (\w+): '([^']*)',?$`).FindAllStringSubmatch(string(text), -1)
	for _, m := range found {
		if want[m[1]] != m[2] {
			t.Errorf("%s is %s, and not %s", m[1], m[2], want[m[1]])
		}
		delete(want, m[1])
	}
	for name := range want {
		t.Errorf("%s is missing", name)
	}
	// What is put together from parts, by its wildcard form.
	for _, s := range []string{events.CatalogOfAny("*"), events.MediaOfAny} {
		form := strings.ReplaceAll(regexp.QuoteMeta(strings.ReplaceAll(s, "*", "%")), "%", `\$\{\w+\}`)
		if !regexp.MustCompile("`" + form + "`").Match(text) {
			t.Errorf("nothing has the form %s", s)
		}
	}
	elsewhere := regexp.MustCompile("['\"`]natster\\.(global|local|catalog|media)")
	err = filepath.WalkDir(src, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == file {
			return err
		}
		text, err := os.ReadFile(path)
		if m := elsewhere.Find(text); m != nil {
			t.Errorf("%s spells a subject: %s…", path, m)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
