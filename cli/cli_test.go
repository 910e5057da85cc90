package cli_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"natster/cli"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
)

// A machine is a computer with a world on it, and a user whose home is empty.
type machine struct {
	*worldtest.World
	t    *testing.T
	home string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	t.Parallel()
	return &machine{worldtest.Start(t), t, t.TempDir()}
}

// env is the environment of the machine's user.
func (m *machine) env(name string) string {
	switch name {
	case "HOME":
		return m.home
	case "NATSTER_WORLD":
		return m.Config().Dir
	}
	return ""
}

// A result is what a command line did.
type result struct {
	t        *testing.T
	line     string
	code     int
	out, err string
}

// natster runs a command line of words without spaces; see run.
func (m *machine) natster(line string) result {
	m.t.Helper()
	return m.run(strings.Fields(line)...)
}

func (m *machine) run(args ...string) result {
	m.t.Helper()
	return runWith(m.t, m.env, args...)
}

func runWith(t *testing.T, getenv func(string) string, args ...string) result {
	t.Helper()
	var out, err bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), wait.Patience)
	defer cancel()
	code := cli.Main(ctx, cli.Outside{
		Args: append([]string{"natster"}, args...), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &err,
		Getenv: getenv,
	})
	return result{t, "natster " + strings.Join(args, " "), code, out.String(), err.String()}
}

// ok fails the test unless the command did what it should.
func (r result) ok() result {
	r.t.Helper()
	return r.exits(0)
}

// exits fails the test unless the command ended with code.
func (r result) exits(code int) result {
	r.t.Helper()
	if r.code != code {
		r.t.Fatalf("$ %s\nexit %d, want %d\nstdout:\n%s\nstderr:\n%s", r.line, r.code, code, r.out, r.err)
	}
	return r
}

// says fails the test unless all of the texts are on stdout.
func (r result) says(texts ...string) result {
	r.t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.out, text) {
			r.t.Fatalf("$ %s\nstdout has no %q:\n%s", r.line, text, r.out)
		}
	}
	return r
}

// warns fails the test unless all of the texts are on stderr.
func (r result) warns(texts ...string) result {
	r.t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.err, text) {
			r.t.Fatalf("$ %s\nstderr has no %q:\n%s", r.line, text, r.err)
		}
	}
	return r
}

// lineWith is the first line on stdout that has text in it.
func (r result) lineWith(text string) string {
	r.t.Helper()
	for l := range strings.Lines(r.out) {
		if strings.Contains(l, text) {
			return strings.TrimSpace(l)
		}
	}
	r.t.Fatalf("$ %s\nno line has %q:\n%s", r.line, text, r.out)
	return ""
}

// A running command is one that goes on until it is interrupted.
type running struct {
	t    *testing.T
	stop context.CancelFunc
	done chan struct{}
	code int // once done
	out  *stream
	err  *stream
}

// start starts a command and waits until text is on its stdout.
func (m *machine) start(line, text string) *running {
	m.t.Helper()
	return m.startWith(m.env, line, text)
}

func (m *machine) startWith(env func(string) string, line, text string) *running {
	m.t.Helper()
	ctx, cancel := context.WithCancel(m.t.Context())
	r := &running{m.t, cancel, make(chan struct{}), 0, newStream(), newStream()}
	go func() {
		r.code = cli.Main(ctx, cli.Outside{
			Args: append([]string{"natster"}, strings.Fields(line)...), Stdin: strings.NewReader(""), Stdout: r.out,
			Stderr: r.err, Getenv: env,
		})
		r.out.close()
		close(r.done)
	}()
	m.t.Cleanup(func() { r.interrupt() })
	r.waitFor(text)
	return r
}

// waitFor waits until text is on stdout.
func (r *running) waitFor(text string) {
	r.t.Helper()
	if !r.out.wait(text, wait.Patience) {
		r.t.Fatalf("never said %q; stdout:\n%s\nstderr:\n%s", text, r.out, r.err)
	}
}

// interrupt is Ctrl-C; it returns the exit code.
func (r *running) interrupt() int {
	r.t.Helper()
	r.stop()
	select {
	case <-r.done:
		return r.code
	case <-time.After(wait.Patience):
		r.t.Fatalf("did not end; stdout:\n%s\nstderr:\n%s", r.out, r.err)
		return 0
	}
}

// A stream is what a running command writes.
type stream struct {
	mu     sync.Mutex
	more   *sync.Cond
	text   []byte
	closed bool
}

func newStream() *stream {
	s := &stream{}
	s.more = sync.NewCond(&s.mu)
	return s
}

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = append(s.text, p...)
	s.more.Broadcast()
	return len(p), nil
}

func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.more.Broadcast()
}

func (s *stream) wait(text string, most time.Duration) bool {
	timeout := time.AfterFunc(most, s.close)
	defer timeout.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !bytes.Contains(s.text, []byte(text)) && !s.closed {
		s.more.Wait()
	}
	return bytes.Contains(s.text, []byte(text))
}

func (s *stream) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.text)
}

// directory makes a directory with files, path by content.
func directory(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// fetch gets a range of what is at url.
func fetch(t *testing.T, url, bytes string) string {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Range", bytes)
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != http.StatusPartialContent {
		t.Fatalf("%s: %s, %v", url, a.Status, err)
	}
	return string(body)
}

// films are a small directory.
func films(t *testing.T) string {
	return directory(t, map[string]string{
		"readme.txt":           "what we watched\n",
		"2024/goat.mp4":        strings.Repeat("the goat eats the hat; ", 40_000),
		"2024/snow/slide.mp4":  strings.Repeat("downhill ", 9_000),
		"2025/birthday.txt":    "cake\n",
		"2025/empty.txt":       "",
		"a name with space.md": "# hello\n",
	})
}

type brokenPipe struct{ error }

func (b brokenPipe) Write([]byte) (int, error) { return 0, b.error }

func TestResultsThatCannotBeWrittenAreNoSuccess(t *testing.T) {
	dir := t.TempDir()
	for _, line := range []string{"version", "version --json", "--help", "context ls", "completion bash"} {
		for _, row := range []struct {
			err  error
			code int
			say  string
			json string
		}{
			{syscall.ENOSPC, 1, "natster: write the result: no space left on device\n",
				`{"error":"write the result: no space left on device"}` + "\n"},
			{syscall.EPIPE, 0, "", ""}, // whoever read it had enough
		} {
			var stderr bytes.Buffer
			code := cli.Main(t.Context(), cli.Outside{
				Args:  append([]string{"natster"}, strings.Fields(line)...),
				Stdin: strings.NewReader(""), Stdout: brokenPipe{row.err}, Stderr: &stderr,
				Getenv: func(n string) string { return map[string]string{"HOME": dir}[n] },
			})
			if strings.Contains(line, "--json") {
				row.say = row.json
			}
			if code != row.code || stderr.String() != row.say {
				t.Errorf("%s: %v: %d %q", line, row.err, code, stderr.String())
			}
		}
	}
}
