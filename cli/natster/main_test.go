package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"natster/internal/test/wait"
)

// The test binary is also natster: so what runs here is main, with the race detector where the test has it.
func TestMain(m *testing.M) {
	switch os.Getenv("NATSTER_TEST_AS") {
	case "natster":
		main()
	case "stuck": // a command that does not end when it is asked to
		hear(func() { fmt.Println("asked to end") })
		fmt.Println("at work")
		select {}
	default:
		os.Exit(m.Run())
	}
}

// A process is a run of natster, or of what runs it.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout *os.File // to read
	stderr lines
	said   lines         // what was read of stdout, once somebody reads
	ended  chan struct{} // closed when it has ended and all it said was read
}

// start starts a command with a pipe for its stdout. Nobody reads that until listen.
func start(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: cmd, stdout: r, ended: make(chan struct{})}
	cmd.Stdout = w
	if cmd.Stderr == nil {
		cmd.Stderr = &p.stderr
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close() // ours; the process has its own
	go func() {
		_ = cmd.Wait() // how it ended is asked later
		close(p.ended)
	}()
	t.Cleanup(func() {
		select {
		case <-p.ended:
		default:
			_ = cmd.Process.Kill()
			<-p.ended
		}
		_ = r.Close()
	})
	return p
}

// waitFor reads stdout until a line has the text, and returns that line.
func (p *process) waitFor(text string) string {
	p.t.Helper()
	late := time.AfterFunc(wait.Patience, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	r := bufio.NewReaderSize(oneByte{p.stdout}, 16)
	for {
		line, err := r.ReadString('\n')
		_, _ = p.said.Write([]byte(line))
		if strings.Contains(line, text) {
			return strings.TrimSpace(line)
		}
		if err != nil {
			p.t.Fatalf("%v never said %q; stdout:\n%s\nstderr:\n%s", p.cmd.Args[1:], text, &p.said, &p.stderr)
		}
	}
}

// oneByte reads no further than it is asked to, so that what comes after is left in the pipe.
type oneByte struct{ io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.Reader.Read(p[:1]) }

// drain reads what comes on stdout from now on, and forgets it.
func (p *process) drain() *process {
	go func() { _, _ = io.Copy(io.Discard, p.stdout) }()
	return p
}

// send sends a signal.
func (p *process) send(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("%v: %v", p.cmd.Args[1:], err)
	}
}

// ends waits until the process has ended by itself with one of the exit codes.
func (p *process) ends(codes ...int) {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(wait.Patience):
		p.t.Fatalf("%v goes on; stderr:\n%s", p.cmd.Args[1:], &p.stderr)
	}
	for _, c := range codes {
		if p.cmd.ProcessState.ExitCode() == c {
			return
		}
	}
	p.t.Errorf("%v ended with %v, want %v; stderr:\n%s", p.cmd.Args[1:], p.cmd.ProcessState, codes, &p.stderr)
}

// lives fails the test if the process has ended.
func (p *process) lives() {
	p.t.Helper()
	select {
	case <-p.ended:
		p.t.Fatalf("%v ended: %v; stderr:\n%s", p.cmd.Args[1:], p.cmd.ProcessState, &p.stderr)
	default:
	}
}

// silent fails the test if the process said anything on stderr.
func (p *process) silent() {
	p.t.Helper()
	if s := p.stderr.String(); s != "" {
		p.t.Errorf("%v said:\n%s", p.cmd.Args[1:], s)
	}
}

// lines is a buffer that may be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}
