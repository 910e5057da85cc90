package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"natster/internal/test/wait"
)

// hangUps is how often somebody hangs up on each address.
const hangUps = 500

// hangUp connects to host, sends text, perhaps says that no more follows, and resets the connection without reading.
func hangUp(host, text string, done bool) error {
	c, err := net.DialTimeout("tcp", host, wait.Patience)
	if err != nil {
		return err
	}
	defer c.Close()
	tcp := c.(*net.TCPConn)
	if err := tcp.SetLinger(0); err != nil { // Close resets
		return err
	}
	_, err = io.WriteString(c, text)
	if err == nil && done {
		err = tcp.CloseWrite()
	}
	return err
}

func TestStrangersWhoHangUpEndNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t, 4*megabyte)
	serving := s.serve()
	opened, address := s.open()
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	get := func(host, path string) string {
		return fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: keep-alive\r\n\r\n", path, host)
	}
	natsHost, wsHost, webHost := s.host(s.info.URL), s.host(s.info.WebSocket), s.host(s.info.Web)
	upgrade := fmt.Sprintf("GET / HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", wsHost)
	for _, x := range []struct {
		what, host string
		texts      []string
	}{
		{"website", webHost, []string{"GET / HT", get(webHost, "/"),
			get(webHost, "/") + get(webHost, "/nothing") + get(webHost, "/")}},
		{"NATS", natsHost, []string{"CONN", "CONNECT {}\r\nPING\r\n", "PING\r\nPING\r\nPING\r\n"}},
		{"WebSocket", wsHost, []string{"GET / HT", upgrade, upgrade + "\x81\x85\x00\x00\x00\x00PING\n"}},
		{"gateway", at.Host, []string{"GET / HT", get(at.Host, at.Path), get(at.Host, "/") + get(at.Host, at.Path)}},
	} {
		for i := range hangUps {
			// One that sent all of it may already be refused when it says that no more follows.
			if err := hangUp(x.host, x.texts[i%len(x.texts)], i%2 == 0); err != nil && i == 0 {
				t.Errorf("%s: %v", x.what, err)
			}
		}
	}
	for _, p := range []*process{s.world, serving, opened} {
		p.lives()
	}
	s.run("--context", "bob", "whoami")
	s.run("--context", "bob", "catalog", "contents", "media")
	for _, u := range []string{s.info.Web, address} {
		r, err := http.Get(u)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, r.Body)
		must(t, err, r.Body.Close())
		if r.StatusCode >= 500 && u == address || n == 0 {
			t.Errorf("%s: %s, %d bytes", u, r.Status, n)
		}
	}
	for _, p := range []*process{opened, serving, s.world} {
		p.send(os.Interrupt)
		p.ends(130)
	}
}

func TestAPlayerThatSeeksDoesNotEndOpen(t *testing.T) {
	t.Parallel()
	s := newStage(t, 16*megabyte)
	s.serve()
	opened, address := s.open()
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		c, err := net.DialTimeout("tcp", at.Host, wait.Patience)
		must(t, err)
		_, err = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nRange: bytes=%d-\r\n\r\n", at.Path, at.Host, i*200_000)
		must(t, err, c.SetReadDeadline(time.Now().Add(wait.Patience)))
		if _, err := io.CopyN(io.Discard, c, 100_000); err != nil {
			t.Fatalf("seek %d: %v; open says:\n%s", i, err, &opened.stderr)
		}
		if i%2 == 0 {
			must(t, c.(*net.TCPConn).SetLinger(0)) // players differ in how they go
		}
		must(t, c.Close())
	}
	opened.lives()
	r, err := http.Get(address)
	must(t, err)
	n, err := io.Copy(io.Discard, r.Body)
	must(t, err, r.Body.Close())
	if n != 16*megabyte {
		t.Errorf("the file has %d bytes afterwards", n)
	}
}

func TestAFriendWhoIsKilledEndsNobody(t *testing.T) {
	t.Parallel()
	s := newStage(t, 64*megabyte)
	serving := s.serve()
	serving.drain()
	for i := range 3 {
		out := t.TempDir()
		friend := s.start("--context", "bob", "catalog", "download", "media", "--all", "--out", out)
		friend.drain()
		wait.Eventually(t, "something has arrived", func() bool {
			friend.lives()
			all, err := filepath.Glob(filepath.Join(out, "*.partial"))
			return err == nil && len(all) > 0
		})
		friend.send(os.Kill)
		<-friend.ended
		if i == 0 && friend.cmd.ProcessState.Success() {
			t.Fatal("the friend was not killed in the middle")
		}
	}
	serving.lives()
	s.world.lives()
	s.run("--context", "bob", "catalog", "download", "media", "--all", "--out", t.TempDir())
}

func TestEventsEndWithTheirReader(t *testing.T) {
	t.Parallel()
	s := newStage(t, 1)
	t.Run("in a script", func(t *testing.T) {
		cmd := exec.Command("bash", "-c", `set -o pipefail; "$0" events --from 1 | head -1`, os.Args[0])
		cmd.Env = s.env()
		p := start(t, cmd)
		p.waitFor("joined")
		p.ends(0)
		p.silent()
	})
	t.Run("with nothing to say", func(t *testing.T) {
		p := s.start("events", "--from", "1")
		p.waitFor("imported media") // the last there is
		must(t, p.stdout.Close())
		p.ends(0)
		p.silent()
	})
}
