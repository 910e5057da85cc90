package library

import (
	"strings"
	"testing"
)

func TestMIMETypeByContentAndName(t *testing.T) {
	box := func(brand string) string { return "\x00\x00\x00\x20ftyp" + brand + "\x00\x00\x02\x00isomiso2avc1mp41" }
	matroska := func(doctype string) string {
		return "\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84" + doctype
	}
	ogg := "OggS\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x1e"
	zip := "PK\x03\x04\x14\x00\x00\x00\x00\x00" + strings.Repeat("\x00", 16) + "\x05\x00\x00\x00a.txthello"
	png := "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01"
	for _, tc := range []struct{ name, content, want string }{
		{"a.mp4", box("isom"), "video/mp4"},
		{"a.m4a", box("M4A "), "audio/mp4"},
		{"a.m4a", box("isom"), "audio/mp4"},
		{"a", box("isom"), "video/mp4"},
		{"a.mkv", matroska("matroska"), "video/x-matroska"},
		{"a.webm", matroska("webm"), "video/webm"},
		{"a.mp3", "ID3\x04\x00\x00\x00\x00\x00\x00", "audio/mpeg"},
		{"a.flac", "fLaC\x00\x00\x00\x22", "audio/flac"},
		{"a.ogg", ogg + "\x01vorbis", "audio/ogg"},
		{"a.ogv", ogg + "\x80theora", "video/ogg"},
		{"a.opus", ogg + "OpusHead", "audio/ogg"},
		{"a.wav", "RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav"},
		{"a.png", png, "image/png"},
		{"picture.jpg", png, "image/png"}, // the content decides
		{"a.svg", `<svg xmlns="http://www.w3.org/2000/svg"/>`, "image/svg+xml"},
		{"a.svg", `<?xml version="1.0"?><!-- a comment --><svg/>`, "image/svg+xml"},
		{"a.html", "<!DOCTYPE html><html></html>", "text/html"},
		{"a.txt", "<!DOCTYPE html><html></html>", "text/plain"},
		{"a", "<!DOCTYPE html><html></html>", "text/html"},
		{"a.pdf", "%PDF-1.7\n", "application/pdf"},
		{"a.md", "# Title\n\ntext\n", "text/markdown"},
		{"README.MD", "# Title\n", "text/markdown"},
		{"a.srt", "1\n00:00:01,000 --> 00:00:02,000\nHello\n\n", "application/x-subrip"},
		{"a.srt", "no subtitle yet", "application/x-subrip"},
		{"a.json", `{"a":1}`, "application/json"},
		{"a.cbz", zip, "application/vnd.comicbook+zip"},
		{"a.zip", zip, "application/zip"},
		{"a", zip, "application/zip"},
		{"a", "plain words", "text/plain"},
		{"a.unknown", "\x00\x01\x02\x03", "application/octet-stream"},
		{"a.mp4", "\x00\x01\x02\x03", "video/mp4"},
		{"empty.txt", "", "text/plain"},
		{"empty", "", "application/octet-stream"},
	} {
		if got := mimeType(tc.name, []byte(tc.content)); got != tc.want {
			t.Errorf("%s with %.20q: %s, not %s", tc.name, tc.content, got, tc.want)
		}
	}
}
