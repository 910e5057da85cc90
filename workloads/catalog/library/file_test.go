package library

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"natster/workloads/catalog"
)

func TestTheCatalogFileIsTheContracts(t *testing.T) {
	s := newLibrary(t)
	s.put("a \"quoted\" & <odd>.txt", "one")
	s.put("ü.mp4", "two")
	s.scan()
	s.do(s.Describe("", "Mine"))
	fi, err := os.Stat(s.cfg.File)
	s.do(err)
	if fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", fi.Mode())
	}
	data, err := os.ReadFile(s.cfg.File)
	s.do(err)
	var listed catalog.GetReply
	s.do(json.Unmarshal(data, &listed))
	c, err := listed.Contents()
	s.do(err)
	if !reflect.DeepEqual(c, s.Contents()) {
		t.Errorf("\n%+v\n%+v", c, s.Contents())
	}
	c, dir, err := ReadFile(s.cfg.File)
	if err != nil || !reflect.DeepEqual(c, s.Contents()) || dir != s.Dir() {
		t.Error(c, dir, err)
	}
	s.cfg.Dir, s.cfg.Name = "", c.Name
	s.reopen()
	if s.Dir() != dir {
		t.Errorf("a catalog opened by its file is about %q", s.Dir())
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(s.cfg.File), ".*"))
	if len(left) > 0 || err != nil {
		t.Error("left behind:", left, err)
	}
}

// A person edits the descriptions: what JSON lets stand as it is stands so, beside what it does not.
func TestTheCatalogFileEscapesNoMoreThanItMust(t *testing.T) {
	for text, want := range map[string]string{
		"Tom & <Jerry>":     `:"Tom & <Jerry>"`,
		`"Tom" & <Jerry> é`: `:"\"Tom\" & <Jerry> é"`,
	} {
		if got := string(appendField(nil, ":", text)); got != want {
			t.Errorf("%q is written as %s", text, got)
		}
	}
}

func TestAFileWithoutStampsIsReadAgain(t *testing.T) {
	s := newLibrary(t)
	s.put("a.txt", "one")
	s.do(os.WriteFile(s.cfg.File, []byte(`{"name":"films","description":"","entries":[
		{"path":"a.txt","description":"kept","mime_type":"x","byte_size":3,"hash":"`+hashOf("another").String()+`"},
		{"path":"../b","description":"","mime_type":"","byte_size":0,"hash":"`+hashOf("").String()+`"}]}`), 0o600))
	s.reopen()
	if r := s.scan(); r.Hashed != 1 {
		t.Errorf("%+v", r)
	}
	if e, _ := s.entry("a.txt"); e.Hash != hashOf("one") || e.Description != "kept" {
		t.Errorf("%+v", e)
	}
}

var garbage = []string{
	"", "x", "null", "[]", "7", "{}", `{"name":"a b"}`, `{"name":7}`, `{"name":"films","entries":{}}`,
	`{"name":"films","entries":[7]}`,
	`{"name":"films","revision":-1}`, `{"name":"films","revision":1e99}`, `{"name":"films","entries":[{}`,
	`{"name":"films","entries":[{"path":"a"}]}`, `{"name":"films","entries":[{"path":"a","hash":"abc"}]}`,
	`{"name":"films","entries":[{"path":"a","byte_size":-1,"hash":"` + strings.Repeat("a", 64) + `"}]}`,
	strings.Repeat("[", 100_000), `{"name":"films","image":"` + strings.Repeat("x", catalog.MaxImage+1) + `"}`,
}

func TestGarbageIsNoCatalogFile(t *testing.T) {
	for _, g := range garbage {
		if _, err := parseDocument([]byte(g)); !errors.Is(err, ErrCatalogFile) {
			t.Errorf("%.60q: %v", g, err)
		}
	}
}

func FuzzCatalogFile(f *testing.F) {
	for _, g := range garbage {
		f.Add([]byte(g))
	}
	f.Add([]byte(`{"name":"films","description":"d","image":"i","revision":7,"directory":"/x","entries":[
{"path":"b","description":"","mime_type":"video/mp4","byte_size":3,
"hash":"` + strings.Repeat("a", 64) + `","stamp":"1.2"},
{"path":"a","description":"é\n","mime_type":"","byte_size":0,"hash":"` + strings.Repeat("b", 64) + `","stamp":"x"}]}`))
	path := filepath.Join(f.TempDir(), "fuzz.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := parseDocument(data)
		if err != nil {
			if !errors.Is(err, ErrCatalogFile) {
				t.Fatal(err)
			}
			return
		}
		s := newSnapshot(d, sight{}) // what we read, we write so that we read the same
		if _, err := writeDocument(path, d.directory, s); err != nil {
			t.Fatal(err)
		}
		again, _, err := readDocument(path)
		if err != nil {
			t.Fatal(err)
		}
		a, b := newSnapshot(again, sight{}).contents(), s.contents()
		ja, _ := json.Marshal(a)
		jb, _ := json.Marshal(b)
		if string(ja) != string(jb) {
			t.Fatalf("%s\n%s", ja, jb)
		}
	})
}
