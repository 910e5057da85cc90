package main

import (
	"crypto/rand"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A stage is a machine with a world, run by a process of its own, and a user who has two accounts in it: alice and bob.
// Alice has a catalog, media, that she shares with bob.
type stage struct {
	t     *testing.T
	home  string
	media string // the catalog's directory
	world *process
	shell string // if not empty, the script that runs natster: $0, with the arguments $@
	info  struct {
		URL       string `json:"url"`
		WebSocket string `json:"websocket_url"`
		Web       string `json:"web_url"`
	}
}

const megabyte = 1 << 20

// newStage starts a world and has media made of one file of noise, video.bin, that has so many bytes.
func newStage(t *testing.T, size int) *stage {
	t.Helper()
	s := newWorld(t)
	noise := make([]byte, size)
	_, err := rand.Read(noise)
	must(t, err, os.WriteFile(filepath.Join(s.media, "video.bin"), noise, 0o600))
	s.run("init", "alice")
	s.run("init", "bob")
	s.run("--context", "alice", "catalog", "new", "media", s.media)
	s.run("--context", "alice", "catalog", "share", "media", "bob")
	s.run("--context", "bob", "catalog", "import", "media", "alice")
	return s
}

// newWorld starts a world in which nobody is yet.
func newWorld(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, home: t.TempDir(), media: t.TempDir()}
	s.startWorld()
	return s
}

// startWorld starts the world, which goes on where it ended if it was there before.
func (s *stage) startWorld() {
	s.t.Helper()
	s.world = s.start("--json", "devrun", "--listen", "127.0.0.1:0", "--websocket", "127.0.0.1:0", "--web",
		"127.0.0.1:0")
	must(s.t, json.Unmarshal([]byte(s.world.waitFor("web_url")), &s.info))
	s.world.drain()
}

// command is natster with these arguments, for the stage's user.
func (s *stage) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	if s.shell != "" {
		cmd = exec.Command("bash", append([]string{"-c", s.shell, os.Args[0]}, args...)...)
	}
	cmd.Env = s.env()
	return cmd
}

// of is the stage for another test, which what starts from now on ends with.
func (s *stage) of(t *testing.T) *stage {
	other := *s
	other.t = t
	return &other
}

func (s *stage) env() []string {
	return []string{
		"NATSTER_TEST_AS=natster", "HOME=" + s.home, "NATSTER_WORLD=" + filepath.Join(s.home,
			"world"), "PATH=" + os.Getenv("PATH"),
		"GORACE=" + os.Getenv("GORACE"), "GOCOVERDIR=" + s.home,
	}
}

// start starts natster.
func (s *stage) start(args ...string) *process {
	s.t.Helper()
	return start(s.t, s.command(args...))
}

// run runs natster to its end, which is to be a success, and returns its stdout.
func (s *stage) run(args ...string) string {
	s.t.Helper()
	cmd := s.command(args...)
	var problem lines
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("natster %v: %v\n%s", args, err, &problem)
	}
	return string(out)
}

// serve has alice serve media.
func (s *stage) serve() *process {
	s.t.Helper()
	p := s.start("--context", "alice", "catalog", "serve", "media")
	p.waitFor("SERVING")
	p.waitFor("media")
	return p
}

// open has bob open video.bin, and returns its address, too.
func (s *stage) open() (p *process, address string) {
	s.t.Helper()
	p = s.start("--context", "bob", "catalog", "open", "media", "video.bin")
	return p, p.waitFor("http://")
}

// host is the host and port of an address.
func (s *stage) host(address string) string {
	s.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		s.t.Fatal(err)
	}
	return u.Host
}
