package library

import (
	"bytes"
	"strings"
	"testing"

	"natster/workloads/catalog"
)

func TestMIMETypeByContentAndName(t *testing.T) {
	box := func(brand string) string { return "\x00\x00\x00\x20ftyp" + brand + "\x00\x00\x02\x00isomiso2avc1mp41" }
	matroska := func(doctype string) string {
		return "\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84" + doctype
	}
	ogg := "OggS\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x1e"
	asf := "\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c" + strings.Repeat("\x00", 40)
	tag := func(n int) string {
		return "ID3\x04\x00\x00" + string([]byte{byte(n >> 21 & 127), byte(n >> 14 & 127), byte(n >> 7 & 127),
			byte(n & 127)}) + strings.Repeat("\x00", n)
	}
	zip := "PK\x03\x04\x14\x00\x00\x00\x00\x00" + strings.Repeat("\x00", 16) + "\x05\x00\x00\x00a.txthello"
	png := "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01"
	for _, tc := range []struct{ name, content, want string }{
		{"a.mp4", box("isom"), "video/mp4"},
		{"a.m4a", box("M4A "), "audio/mp4"},
		{"a.m4a", box("isom"), "audio/mp4"},
		{"a", box("isom"), "video/mp4"},
		{"a.mkv", matroska("matroska"), "video/x-matroska"},
		{"a.webm", matroska("webm"), "video/webm"},
		{"a.m4a", box("qt  "), "audio/mp4"},
		{"a.m4b", box("isom"), "audio/mp4"},
		{"a.mov", box("qt  "), "video/quicktime"},
		{"a.m4v", box("qt  "), "video/mp4"},
		{"a.mka", matroska("matroska"), "audio/x-matroska"},
		{"a.weba", matroska("webm"), "audio/webm"},
		{"a.wma", asf, "audio/x-ms-wma"},
		{"a.wmv", asf, "video/x-ms-wmv"},
		{"a.aif", "FORM\x00\x00\x00\x10AIFFCOMM", "audio/aiff"},
		{"a.oga", ogg + "\x01vorbis", "audio/ogg"},
		{"a.ts", strings.Repeat("G"+strings.Repeat("\x00", 187), 20), "video/mp2t"},
		{"a", strings.Repeat("G"+strings.Repeat("\x00", 187), 3), "video/mp2t"},
		{"a.m2ts", strings.Repeat("\x00\x00\x00\x01G"+strings.Repeat("\x00", 187), 20), "video/mp2t"},
		{"a.ts", "export const a = 1;\n", "text/plain"},
		{"a.flac", tag(2000) + "fLaC\x00\x00\x00\x22", "audio/flac"},
		{"a.flac", tag(200_000) + "fLaC\x00\x00\x00\x22", "audio/flac"},
		{"a.flac", tag(2_000_000) + tag(10) + "fLaC\x00\x00\x00\x22", "audio/flac"},
		{"a.aac", tag(300) + "\xff\xf1\x50\x80", "audio/aac"},
		{"a.mp3", tag(300) + "\xff\xfb\x90\x64", "audio/mpeg"},
		{"a.srt", "1\n00:00:01,000 --> 00:00:02,000\nHola se\xf1or\n", "application/x-subrip"},
		{"a.srt", "\xff\xfe1\x00\n\x00", "application/x-subrip"},
		{"a.vtt", "\xef\xbb\xbfWEBVTT\n", "text/vtt"},
		{"a.txt", "Hola se\xf1or\n", "text/plain"},
		{"a.txt", "\xff\xfeG\x00r\x00", "text/plain"},
		{"a.m3u8", "#EXTM3U\n", "application/vnd.apple.mpegurl"},
		{"a.jfif", "\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"},
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
		content := []byte(tc.content)
		if got := mimeOf(tc.name, bytes.NewReader(content), content[:min(len(content), readSize)]); got != tc.want {
			t.Errorf("%s with %.20q: %s, not %s", tc.name, tc.content, got, tc.want)
		}
	}
}

func FuzzMIMEType(f *testing.F) {
	f.Add("a.flac", []byte("ID3\x04\x00\x00\x00\x00\x00\x02xxfLaC"))
	f.Add("a.ts", []byte("G"))
	f.Add("a", []byte("ID3\x04\x00\x10\x7f\x7f\x7f\x7f"))
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		got := mimeOf(name, bytes.NewReader(content), content)
		if got != catalog.CleanMIMEType(got) {
			t.Errorf("%q is no type", got)
		}
	})
}
