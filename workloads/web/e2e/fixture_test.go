//go:build browser

package e2e

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A fixture is what alice shares.
type fixture struct {
	dir   string
	marks map[string][]byte // of each file that the tap must not see
}

func newFixture(t *testing.T, dir string) *fixture {
	f := &fixture{dir: dir, marks: make(map[string][]byte)}
	f.write(t, "notes/read me.txt", []byte("Dear friend,\n\nthis is plain text, and nobody between us can read it.\n"+
		strings.Repeat("seven swans swim silently southwards\n", 40)))
	f.write(t, "notes/paper.pdf", pdf("A paper about seeking"))
	for i, name := range []string{"dawn", "ridge", "tide", "ember", "moss", "dusk"} {
		f.write(t, "pictures/"+name+".png", picture(t, i))
	}
	// Hostile: none of these may run, break out of its place, or be shown as what it is not.
	attack := `<script>parent.document.title="owned";top.postMessage("owned","*");fetch("/api/session")</script>`
	f.write(t, "hostile/page.html", []byte("<!doctype html><title>x</title>"+attack))
	f.write(t, "hostile/drawing.svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="document.title='owned'">`+
		`<script>document.title="owned"</script></svg>`))
	f.write(t, "hostile/page.xhtml",
		[]byte(`<html xmlns="http://www.w3.org/1999/xhtml"><body>`+attack+`</body></html>`))
	f.write(t, `hostile/<img src=x onerror=document.title="owned">.txt`, []byte("only the name is bad"))
	f.write(t, `hostile/"; filename="evil.exe.txt`, []byte("only the name is bad"))
	f.write(t, "hostile/fake.png", []byte("<html>"+attack))

	big := make([]byte, 48<<20)
	_, _ = rand.Read(big)
	f.write(t, "big.bin", big)

	f.video(t, "clips/long.mp4", "-t", "60", "-c:v", "libx264", "-preset", "ultrafast", "-b:v", "3M", "-c:a", "aac")
	f.video(t, "clips/short.webm", "-t", "3", "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8",
		"-b:v", "500k", "-c:a", "libvorbis")
	f.write(t, "clips/broken.mp4", []byte(strings.Repeat("this is no film at all ", 500)))
	for i, n := range []string{"01 rise.ogg", "02 turn.ogg", "03 fall.ogg"} {
		tone := fmt.Sprintf("sine=frequency=%d:duration=4", 220*(i+1))
		f.ffmpeg(t, "music/"+n, "-f", "lavfi", "-i", tone, "-c:a", "libvorbis")
	}
	return f
}

// copy is the same in a directory of its own, to be changed.
func (f *fixture) copy(t *testing.T) *fixture {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(f.dir)); err != nil {
		t.Fatal(err)
	}
	return &fixture{dir: dir, marks: f.marks}
}

func (f *fixture) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

// read is a file of the fixture, or nothing.
func (f *fixture) read(name string) []byte {
	b, _ := os.ReadFile(f.path(name))
	return b
}

func (f *fixture) write(t *testing.T, name string, content []byte) {
	if err := os.MkdirAll(filepath.Dir(f.path(name)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.path(name), content, 0o600); err != nil {
		t.Fatal(err)
	}
	f.remember(t, name)
}

// remember keeps a piece of the middle of a file that is long enough to be no accident.
func (f *fixture) remember(t *testing.T, name string) {
	const piece = 48
	file, err := os.Open(f.path(name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() < 2*piece {
		return
	}
	f.marks[name] = make([]byte, piece)
	if _, err := file.ReadAt(f.marks[name], info.Size()/2); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) video(t *testing.T, name string, how ...string) {
	const picture = "gradients=size=1280x720:rate=25:speed=0.01:n=5:" +
		"c0=0x10243a:c1=0x0b6b62:c2=0xe0b25c:c3=0xa8321f:c4=0x62c9bb"
	f.ffmpeg(t, name, append([]string{
		"-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine=frequency=330", "-pix_fmt", "yuv420p",
	}, how...)...)
}

func (f *fixture) ffmpeg(t *testing.T, name string, args ...string) {
	if err := os.MkdirAll(filepath.Dir(f.path(name)), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(f.path(name)); err == nil {
		f.remember(t, name)
		return
	}
	args = append(append([]string{"-v", "error", "-y"}, args...), f.path(name))
	out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg makes %s: %v\n%s", name, err, out)
	}
	f.remember(t, name)
}

func picture(t *testing.T, n int) []byte {
	const w, h = 960, 640
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			a := math.Sin(float64(x)/140+float64(n)) * 40
			s := math.Sin(float64(y)/float64(60+30*n)+a/30) * 0.5
			hue := float64(n)*0.9 + float64(y)/h*1.2 + s*0.5
			c := func(o float64) uint8 { return uint8(120 + 95*math.Sin(hue+o)) }
			m.Set(x, y, color.RGBA{c(0), c(1.3), c(2.4), 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pdf is a document of one page with a headline.
func pdf(title string) []byte {
	var b bytes.Buffer
	var at []int
	object := func(body string) {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(at), body)
	}
	b.WriteString("%PDF-1.4\n")
	object("<< /Type /Catalog /Pages 2 0 R >>")
	object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
	object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 300] /Contents 4 0 R " +
		"/Resources << /Font << /F 5 0 R >> >> >>")
	text := fmt.Sprintf("0.1 0.4 0.4 rg 0 240 400 60 re f 0 0 0 rg BT /F 22 Tf 40 180 Td (%s) Tj ET", title)
	object(fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(text), text))
	object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, o := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, start)
	return b.Bytes()
}
