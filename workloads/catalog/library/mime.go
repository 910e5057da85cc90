package library

import (
	"io"
	"path"
	"slices"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"natster/workloads/catalog"
)

// sniffLen is how many bytes of a file's beginning its type is detected by; more changes nothing for the detector.
const sniffLen = 3072

// mimeOf returns a file's type by its name and its content, which begins with head. Sound may stand behind an ID3 tag,
// with a cover in it that is longer than any beginning.
func mimeOf(name string, content io.ReaderAt, head []byte) string {
	at := id3Length(head)
	if at == 0 {
		return mimeType(name, head[:min(len(head), sniffLen)])
	}
	behind := make([]byte, 16)
	for range 4 { // tags are few, one behind the other
		n, _ := content.ReadAt(behind, at) // what cannot be read is no tag
		behind = behind[:n]
		more := id3Length(behind)
		if more == 0 {
			break
		}
		at += more
	}
	return behindID3(behind)
}

// id3Length is how long the ID3v2 tag is that b begins with, or 0 if there is none.
func id3Length(b []byte) int64 {
	if len(b) < 10 || string(b[:3]) != "ID3" || (b[6]|b[7]|b[8]|b[9])&0x80 != 0 {
		return 0
	}
	n := int64(b[6])<<21 | int64(b[7])<<14 | int64(b[8])<<7 | int64(b[9])
	if b[5]&0x10 != 0 { // and a footer
		n += 10
	}
	return 10 + n
}

// behindID3 returns the type of sound that begins with b.
func behindID3(b []byte) string {
	switch {
	case strings.HasPrefix(string(b), "fLaC"):
		return "audio/flac"
	case len(b) > 1 && b[0] == 0xff && b[1]&0xf6 == 0xf0: // ADTS: MPEG's sync word, and layer 0
		return "audio/aac"
	case strings.HasPrefix(string(b), "FORM"):
		return "audio/aiff"
	case strings.HasPrefix(string(b), "RIFF"):
		return "audio/wav"
	case strings.HasPrefix(string(b), "MAC "):
		return "audio/x-ape"
	case strings.HasPrefix(string(b), "OggS"):
		return "audio/ogg"
	}
	return "audio/mpeg"
}

// isTransportStream recognizes MPEG-TS by the byte that each packet begins with, of 188 bytes, or of 192 where a time
// stands before each.
func isTransportStream(b []byte) bool {
	for _, packet := range []struct{ first, length int }{{0, 188}, {4, 192}} {
		n := 0
		for at := packet.first; at < len(b) && b[at] == 0x47; at += packet.length {
			n++
		}
		if n >= 3 && packet.first+n*packet.length >= len(b) {
			return true
		}
	}
	return false
}

// mimeType returns a file's type by its beginning and its name. The content decides, because it is what a player will
// find; the name decides where the content only says what kind of container it is: text, bytes, a ZIP or an Ogg.
func mimeType(name string, head []byte) string {
	if isTransportStream(head) {
		return "video/mp2t"
	}
	found, _, _ := strings.Cut(mimetype.Detect(head).String(), ";")
	if better, ok := usualNames[found]; ok {
		found = better
	}
	byName, known := byExtension[strings.ToLower(path.Ext(name))]
	switch {
	case known && (len(head) == 0 || slices.Contains(generic, found)):
		return byName
	case known && isText(found) && isText(byName): // HTML in a .txt is meant to be read as text, and so on
		return byName
	case known && containers[found] != "" && containers[found] == containers[byName]:
		return byName // one container, which differs only in the tracks in it
	case len(head) == 0:
		return catalog.DefaultMIMEType
	}
	return catalog.CleanMIMEType(found)
}

func isText(t string) bool {
	return strings.HasPrefix(t, "text/") || slices.Contains([]string{
		"application/json", "application/xml", "image/svg+xml", "application/x-subrip", "application/x-ndjson",
		"application/yaml", "application/toml", "application/vnd.apple.mpegurl",
	}, t)
}

// generic are the types that say how a file is packed, not what it is.
var generic = []string{
	"text/plain", "text/xml", "application/octet-stream", "application/zip", "application/x-ole-storage",
	"application/ogg", "application/gzip", "application/json",
}

// containers are the types that differ in what is packed, not in how. A brand, as QuickTime's, only says who packed it.
var containers = map[string]string{
	"video/mp4": "iso", "audio/mp4": "iso", "video/quicktime": "iso", "video/3gpp": "iso", "video/3gpp2": "iso",
	"audio/3gpp": "iso", "video/x-matroska": "matroska", "audio/x-matroska": "matroska", "video/webm": "webm",
	"audio/webm": "webm", "video/x-ms-asf": "asf", "video/x-ms-wmv": "asf", "audio/x-ms-wma": "asf", "audio/ogg": "ogg",
	"video/ogg": "ogg", "image/heic": "heif", "image/heif": "heif", "image/heic-sequence": "heif",
	"image/heif-sequence": "heif",
}

// usualNames turns the detector's names into those that browsers and players know.
var usualNames = map[string]string{
	"video/matroska": "video/x-matroska",
	"audio/x-m4a":    "audio/mp4",
	"video/x-m4v":    "video/mp4",
	"audio/ape":      "audio/x-ape",
}

var byExtension = map[string]string{
	// video
	".mp4": "video/mp4", ".m4v": "video/mp4", ".mkv": "video/x-matroska", ".webm": "video/webm",
	".avi": "video/x-msvideo", ".mov": "video/quicktime", ".mpg": "video/mpeg", ".mpeg": "video/mpeg",
	".ogv": "video/ogg", ".wmv": "video/x-ms-wmv", ".flv": "video/x-flv", ".3gp": "video/3gpp", ".m2ts": "video/mp2t",
	".mts": "video/mp2t", ".vob": "video/mpeg", ".asf": "video/x-ms-asf", ".mk3d": "video/x-matroska",
	".3g2": "video/3gpp2",
	// sound
	".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".m4b": "audio/mp4", ".aac": "audio/aac", ".flac": "audio/flac",
	".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg", ".wav": "audio/wav", ".aiff": "audio/aiff",
	".aif": "audio/aiff", ".aifc": "audio/aiff", ".mka": "audio/x-matroska", ".weba": "audio/webm", ".m4r": "audio/mp4",
	".ape": "audio/x-ape", ".wma": "audio/x-ms-wma", ".mid": "audio/midi", ".midi": "audio/midi",
	".m3u": "audio/mpegurl", ".m3u8": "application/vnd.apple.mpegurl",
	// pictures
	".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".gif": "image/gif", ".webp": "image/webp",
	".avif": "image/avif", ".heic": "image/heic", ".heif": "image/heif", ".jfif": "image/jpeg", ".svg": "image/svg+xml",
	".bmp": "image/bmp", ".tif": "image/tiff", ".tiff": "image/tiff", ".ico": "image/x-icon", ".jxl": "image/jxl",
	// text
	".txt": "text/plain", ".md": "text/markdown", ".markdown": "text/markdown", ".html": "text/html",
	".htm": "text/html", ".css": "text/css", ".csv": "text/csv", ".tsv": "text/tab-separated-values",
	".js": "text/javascript", ".mjs": "text/javascript", ".json": "application/json", ".xml": "application/xml",
	".yaml": "application/yaml", ".yml": "application/yaml", ".toml": "application/toml",
	".srt": "application/x-subrip", ".vtt": "text/vtt", ".ass": "text/x-ssa", ".ssa": "text/x-ssa",
	".nfo": "text/plain", ".log": "text/plain", ".go": "text/x-go", ".cue": "text/plain", ".lrc": "text/plain",
	".ics": "text/calendar", ".vcf": "text/vcard", ".tex": "text/x-tex", ".rst": "text/x-rst", ".py": "text/x-python",
	".sh": "text/x-shellscript", ".c": "text/x-c", ".h": "text/x-c",
	// documents and books
	".pdf": "application/pdf", ".epub": "application/epub+zip", ".mobi": "application/x-mobipocket-ebook",
	".cbz": "application/vnd.comicbook+zip", ".cbr": "application/vnd.comicbook-rar", ".rtf": "application/rtf",
	".doc": "application/msword", ".xls": "application/vnd.ms-excel", ".ppt": "application/vnd.ms-powerpoint",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".odt":  "application/vnd.oasis.opendocument.text", ".ods": "application/vnd.oasis.opendocument.spreadsheet",
	".odp": "application/vnd.oasis.opendocument.presentation",
	// archives
	".zip": "application/zip", ".gz": "application/gzip", ".tgz": "application/gzip", ".tar": "application/x-tar",
	".7z": "application/x-7z-compressed", ".rar": "application/vnd.rar", ".xz": "application/x-xz",
	".zst": "application/zstd", ".bz2": "application/x-bzip2", ".jar": "application/java-archive",
	".iso": "application/x-iso9660-image", ".apk": "application/vnd.android.package-archive",
}
