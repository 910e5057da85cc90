package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"natster/cli/contexts"
	"natster/cli/sample"
	"natster/cli/site"
	"natster/cli/term"
	"natster/deploy/world/embedded"
)

// A Config says what the demo shows, and to whom.
type Config struct {
	*term.Printer
	Getenv func(name string) string
	// Natster runs a command line of natster, without the program's name, and returns its exit code, 0 for success.
	Natster func(ctx context.Context, words []string, stdout, stderr io.Writer, getenv func(string) string) int
	Logger  *slog.Logger // of the world
	Share   string       // the directory to share, or nothing for the sample media
	Keep    bool         // leave everything running until the context is done
	Noise   int64        // bytes of the file that the speed is measured with
}

// Run plays the demo. Nothing of it is left when it returns.
func Run(ctx context.Context, c Config) (err error) {
	d := &demo{Config: c}
	if d.dir, err = os.MkdirTemp(c.Getenv("TMPDIR"), "natster-demo-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.end(ctx)) }()
	if d.media, err = d.shared(); err != nil {
		return err
	}
	return d.play(ctx)
}

// A demo is a world in a temporary directory, and the two people in it.
type demo struct {
	Config
	dir   string // temporary; all that the demo writes is below it
	media string // what alice shares
	world *embedded.World
	page  *site.Site // with Keep

	stop   []func() // what runs beside it
	steps  int
	result demoResult
}

// A demoResult is what the demo found, for scripts.
type demoResult struct {
	Files         int     `json:"files"`
	Bytes         int64   `json:"bytes"`
	Verified      int     `json:"verified"`
	TapMessages   int     `json:"tap_messages"`
	TapBytes      int64   `json:"tap_bytes"`
	TapMediaBytes int64   `json:"tap_media_bytes"`
	TapPlaintext  int     `json:"tap_plaintext"`
	RefusedMillis float64 `json:"refused_after_ms"`
	Throughput    float64 `json:"bytes_per_second"`
	RawThroughput float64 `json:"raw_nats_bytes_per_second"`
}

// shared returns the directory to share: the one that was named, or the sample media, unpacked.
func (d *demo) shared() (string, error) {
	if d.Share != "" {
		dir, err := filepath.Abs(d.Share)
		if err != nil {
			return "", err
		}
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return "", errors.Join(fmt.Errorf("%s is not a directory that can be shared", term.Quoted(d.Share)), err)
		}
		return dir, nil
	}
	dir := filepath.Join(d.dir, "media")
	_, err := sample.Restore(dir)
	return dir, err
}

func (d *demo) play(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		d.startWorld, d.enrol, d.offer, d.browse, d.download, d.takeBack, d.measure,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if d.Keep {
		return d.stay(ctx)
	}
	return d.Print(d.result, func() {
		d.Say("\n%s", d.Out.Bold("Now you, in two terminals:"))
		d.Say("   natster devrun                   a world that stays")
		d.Say("   natster init NAME                an account in it; then: natster catalog new NAME DIR")
	})
}

// stopTimeout is how long functions may take to finish what they are doing when the demo ends.
const stopTimeout = 10 * time.Second

// end stops what runs and removes all files.
func (d *demo) end(ctx context.Context) error {
	for _, stop := range d.stop {
		stop()
	}
	err := d.page.Stop()
	if d.world != nil {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		err = errors.Join(err, d.world.Stop(ending))
	}
	return errors.Join(err, os.RemoveAll(d.dir))
}

// step begins the next step.
func (d *demo) step(title string) {
	d.steps++
	d.Say("\n%s  %s", d.Out.Cyan(fmt.Sprintf("%2d", d.steps)), d.Out.Bold(title))
}

// fact is a line below a step.
func (d *demo) fact(format string, args ...any) { d.Say("    %s", fmt.Sprintf(format, args...)) }

// good is a fact that was checked.
func (d *demo) good(format string, args ...any) {
	d.fact("%s %s", d.Out.Green("✓"), fmt.Sprintf(format, args...))
}

// inside returns the environment of one of the two people: their files are below the demo's directory.
func (d *demo) inside(who string) func(string) string {
	return func(name string) string {
		switch name {
		case "XDG_CONFIG_HOME":
			return filepath.Join(d.dir, "config")
		case "XDG_DATA_HOME":
			return filepath.Join(d.dir, "data")
		case "NATSTER_CONTEXT":
			return who
		case "NATSTER_WORLD", "NATS_CONTEXT", "NATS_URL", "NATS_CREDS":
			return ""
		}
		return d.Getenv(name)
	}
}

// worldDir is the directory of the world, where natster looks for it.
func (d *demo) worldDir() string { return filepath.Join(d.dir, "data", "natster", contexts.WorldName) }

// errDemo is wrapped by the error of a command that did not do what it should.
var errDemo = errors.New("the demo failed")

// A refusal is what a command that failed says of it.
type refusal string

func (r refusal) Error() string { return string(r) }

// run runs a command line as who. It shows the first lines of its stdout, and the progress.
func (d *demo) run(ctx context.Context, who string, lines int, words ...string) error {
	d.prompt(who, words)
	out, err := d.quiet(ctx, who, d.Stderr, words...)
	if err == nil {
		d.show(out, lines)
	}
	return err
}

// quiet runs a command line as who, returns its stdout and shows only its progress, on stderr if that is a terminal.
// The error of a command that failed wraps a refusal.
func (d *demo) quiet(ctx context.Context, who string, stderr io.Writer, words ...string) (string, error) {
	var stdout, errs bytes.Buffer
	var to io.Writer = &errs
	if term.StyleOf(stderr, d.Getenv).Terminal {
		to = stderr
	}
	code := d.Natster(ctx, words, &stdout, to, d.inside(who))
	switch problem, _, _ := strings.Cut(strings.TrimPrefix(errs.String(), "natster: "), "\n"); {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case code != 0:
		return "", fmt.Errorf("%w: natster %s: %w", errDemo, strings.Join(words, " "), refusal(problem))
	}
	return stdout.String(), nil
}

func (d *demo) prompt(who string, words []string) {
	line := make([]string, len(words))
	for i, w := range words {
		line[i] = term.ShellWord(w)
	}
	d.Say("    %s natster %s", d.Out.Dim(fmt.Sprintf("%5s$", who)), strings.Join(line, " "))
}

// show prints the first lines of what a command said, without empty ones.
func (d *demo) show(out string, lines int) {
	all := strings.FieldsFunc(out, func(r rune) bool { return r == '\n' })
	for _, l := range all[:min(len(all), lines)] {
		d.Say("           %s", d.Out.Dim(l))
	}
	if more := len(all) - lines; more > 0 && lines > 2 {
		d.Say("           %s", d.Out.Dim(fmt.Sprintf("… and %s", term.Count(more, "more line"))))
	}
}

func (d *demo) startWorld(ctx context.Context) error {
	d.step("A world: the NATS server, its accounts, the functions")
	began := time.Now()
	var err error
	if d.Keep {
		if d.page, err = site.Listen("", ""); err != nil {
			return err
		}
	}
	d.world, err = embedded.Start(ctx, embedded.Config{
		Dir: d.worldDir(), Listen: "127.0.0.1:0", WebSocket: "127.0.0.1:0", Logger: d.Logger,
		ClaimURL: d.page.ClaimURL(),
	})
	if err != nil {
		return err
	}
	d.fact("%s: operator mode, JetStream encrypted on disk, %d functions; started in %s",
		d.world.Info().URL, len(d.world.Functions()), time.Since(began).Round(10*time.Millisecond))
	return nil
}

func (d *demo) enrol(ctx context.Context) error {
	d.step("Two people, each with a NATS account of their own")
	for _, name := range []string{"alice", "bob"} {
		if err := d.run(ctx, "", 0, "init", name); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) offer(ctx context.Context) error {
	d.step("Alice makes a catalog of a directory, shares it with Bob, and serves it")
	if err := d.run(ctx, "alice", 1, "catalog", "new", "media", d.media); err != nil {
		return err
	}
	if err := d.run(ctx, "alice", 1, "catalog", "share", "media", "bob"); err != nil {
		return err
	}
	d.prompt("alice", []string{"catalog", "serve", "media"})
	return d.serve(ctx, "media")
}

func (d *demo) browse(ctx context.Context) error {
	d.step("Bob finds it in his inbox, imports it, and looks inside")
	inbox := []string{"catalog", "inbox"}
	d.prompt("bob", inbox)
	var out string
	var err error
	for began := time.Now(); !strings.Contains(out, "media from alice, online"); {
		// It takes a moment until everybody knows that alice serves.
		if out, err = d.quiet(ctx, "bob", nil, inbox...); err != nil {
			return err
		}
		if time.Since(began) > 5*time.Second {
			return fmt.Errorf("%w: the catalog does not come online in the inbox", errDemo)
		}
	}
	d.show(out, 2)
	pasted := ""
	for l := range strings.Lines(out) {
		if f := strings.Fields(l); len(f) > 3 && f[0] == "natster" && f[3] == "media" {
			pasted = strings.Join(f[1:], " ")
		}
	}
	if err := d.run(ctx, "bob", 0, strings.Fields(pasted)...); err != nil {
		return err
	}
	return d.run(ctx, "bob", 14, "catalog", "contents", "media")
}
