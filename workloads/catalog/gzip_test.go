package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
)

func TestACompressedPageIsThePage(t *testing.T) {
	page := GetReply{Description: "films", Total: 1, Entries: []json.RawMessage{json.RawMessage(`{"path":"a.mp4"}`)}}
	text, err := json.Marshal(page)
	if err != nil {
		t.Fatal(err)
	}
	sent, err := Compressed(text)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := sent.Plain(); err != nil || !reflect.DeepEqual(got, page) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := page.Plain(); err != nil || !reflect.DeepEqual(got, page) {
		t.Errorf("as it is: %+v, %v", got, err)
	}
}

func TestAPageThatGrowsWithoutEndIsRefused(t *testing.T) {
	bomb, err := Compressed(bytes.Repeat([]byte(" "), maxPage+1))
	if err != nil {
		t.Fatal(err)
	}
	if len(bomb.Gzip) > 64<<10 {
		t.Fatalf("it has %d bytes itself", len(bomb.Gzip))
	}
	for what, r := range map[string]GetReply{
		"a bomb": bomb, "garbage": {Gzip: []byte("gzip")}, "cut short": {Gzip: bomb.Gzip[:100]},
	} {
		if _, err := r.Plain(); !errors.Is(err, ErrContents) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func FuzzPlain(f *testing.F) {
	page, err := Compressed([]byte(`{"entries":[]}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(page.Gzip)
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := GetReply{Gzip: b}.Plain()
		if err != nil && len(b) > 0 && !errors.Is(err, ErrContents) || err == nil && len(got.Gzip) > 0 {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}
