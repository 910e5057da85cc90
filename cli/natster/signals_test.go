package main

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"natster/internal/test/nextest"
)

// A longRun is a command that goes on until it is told to end.
type longRun struct {
	name  string
	start func(s *stage) *process // returns when it does its work; the line that said so was read
	code  int                     // when it is interrupted
	reads bool                    // it prints on and on, and ends with whoever reads that
}

var longRuns = []longRun{
	{"devrun", func(s *stage) *process {
		s.home = s.t.TempDir()
		s.startWorld()
		return s.world
	}, 130, false},
	{"catalog serve", func(s *stage) *process { return s.serve() }, 130, true},
	{"catalog open", func(s *stage) *process {
		p, _ := s.open()
		return p
	}, 130, false},
	{"web", func(s *stage) *process {
		p := s.start("web", "--listen", "127.0.0.1:0")
		p.waitFor("Link a login") // the last it says
		return p
	}, 130, false},
	{"events", func(s *stage) *process {
		p := s.start("events", "--from", "1")
		p.waitFor("imported media") // the last there is
		return p
	}, 130, true},
	{"nexlet", func(s *stage) *process {
		nexURL := nextest.Server(s.t).ClientURL()
		node := nextest.Start(s.t, nextest.Config{URL: nexURL, Remote: true})
		cmd := s.command("nexlet", "--remote", "natster", "--nats", nexURL)
		r, w, err := os.Pipe()
		must(s.t, err)
		cmd.Stderr = w
		p := start(s.t, cmd)
		must(s.t, w.Close(), p.stdout.Close())
		p.stdout = r // what it says it says there
		must(s.t, node.Healthy(s.t.Context(), "natster"))
		return p
	}, 0, true},
}

func TestCommandsThatGoOn(t *testing.T) {
	t.Parallel()
	s := newStage(t, 1)
	s.serve().drain()
	for _, c := range longRuns {
		t.Run(c.name, func(t *testing.T) {
			for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
				t.Run("end with "+sig.String(), func(t *testing.T) {
					p := c.start(s.of(t)).drain()
					p.send(sig)
					p.ends(c.code)
				})
			}
			t.Run("end when asked twice", func(t *testing.T) {
				p := c.start(s.of(t)).drain()
				p.send(os.Interrupt)
				p.send(os.Interrupt)
				p.ends(c.code, 130)
			})
			t.Run("need no stdin", func(t *testing.T) {
				s := s.of(t)
				s.shell = `exec "$0" "$@" <&-`
				p := c.start(s).drain()
				p.send(os.Interrupt)
				p.ends(c.code)
			})
			t.Run("whose reader has gone", func(t *testing.T) {
				p := c.start(s.of(t))
				must(t, p.stdout.Close())
				if !c.reads { // it goes on, and in the end may have something to say
					p.lives()
					p.send(os.Interrupt)
					p.ends(c.code)
				} else {
					p.ends(0)
				}
				if s := p.stderr.String(); strings.Contains(s, "natster: ") {
					t.Errorf("it complains:\n%s", s)
				}
			})
		})
	}
}

// What does not come to its end, whatever it waits for, a second request ends.
func TestASecondRequestEndsAtOnce(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = []string{"NATSTER_TEST_AS=stuck"}
			p := start(t, cmd)
			p.waitFor("at work")
			p.send(sig)
			p.waitFor("asked to end")
			p.send(sig)
			p.ends(130)
		})
	}
}
