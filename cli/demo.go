package cli

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

	"github.com/urfave/cli/v2"

	"natster/cli/sample"
	"natster/deploy/world"
)

func demoCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "demo",
		Usage:     "see it work: two people share a directory, in ten seconds",
		ArgsUsage: "[DIR]",
		Category:  categoryStart,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "keep", Usage: "leave it running, to be tried from another terminal, until Ctrl-C"},
			&cli.IntFlag{Name: "noise", Value: 128, Usage: "measure the speed with a file of `N` MiB"},
		},
		Description: `Plays the whole story in a temporary world on this machine, with the commands that you would type. DIR is what is
shared; without it, a few small pictures, sounds and films that come along. Nothing of it is left afterwards.

   natster demo
   natster demo ~/Music --keep`,
		Action: args(0, 1, func(ctx context.Context, c *cli.Context, arg []string) (err error) {
			d := &demo{env: e, keep: c.Bool("keep"), noise: int64(max(1, c.Int("noise"))) << 20}
			if d.dir, err = os.MkdirTemp(e.Getenv("TMPDIR"), "natster-demo-"); err != nil {
				return err
			}
			defer func() { err = errors.Join(err, d.end(ctx)) }()
			if d.media, err = d.what(arg); err != nil {
				return err
			}
			return d.play(ctx)
		}),
	}
}

// A demo is a world in a temporary directory, and the two people in it.
type demo struct {
	*env
	keep  bool
	dir   string // temporary; all that the demo writes is below it
	media string // what alice shares
	noise int64  // bytes to measure the speed with
	world *world.World
	page  *devPage // with --keep

	serving []*background
	steps   int
	result  demoResult
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

// what is the directory to share: the one that was named, or the sample media, unpacked.
func (d *demo) what(arg []string) (string, error) {
	if len(arg) == 1 {
		dir, err := filepath.Abs(arg[0])
		if err != nil {
			return "", err
		}
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return "", errors.Join(fmt.Errorf("%s is not a directory that can be shared", quoted(arg[0])), err)
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
	if d.keep {
		return d.stay(ctx)
	}
	return d.print(d.result, func() {
		d.say("\n%s", d.out.bold("Now you, in two terminals:"))
		d.say("   natster devrun                   a world that stays")
		d.say("   natster init NAME                an account in it; then: natster catalog new NAME DIR")
	})
}

// end stops what runs and removes what was written.
func (d *demo) end(ctx context.Context) error {
	for _, b := range d.serving {
		b.stop()
	}
	err := d.page.end()
	if d.world != nil {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
		defer cancel()
		err = errors.Join(err, d.world.Stop(ending))
	}
	return errors.Join(err, os.RemoveAll(d.dir))
}

// step begins the next step.
func (d *demo) step(title string) {
	d.steps++
	d.say("\n%s  %s", d.out.cyan(fmt.Sprintf("%2d", d.steps)), d.out.bold(title))
}

// fact is a line below a step.
func (d *demo) fact(format string, args ...any) { d.say("    %s", fmt.Sprintf(format, args...)) }

// good is a fact that was checked.
func (d *demo) good(format string, args ...any) {
	d.fact("%s %s", d.out.green("✓"), fmt.Sprintf(format, args...))
}

// inside is the environment of the two people: their files are below the demo's directory.
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

// errDemo says that a command of the demo did not do what it should.
var errDemo = errors.New("the demo failed")

// run runs a command line as who and returns its stdout. Its first lines are shown; its progress is.
func (d *demo) run(ctx context.Context, who string, lines int, words ...string) (string, error) {
	d.prompt(who, words)
	out, code, problem := d.quiet(ctx, who, d.Stderr, words...)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if code != exitDone {
		return "", fmt.Errorf("%w: natster %s: %s", errDemo, strings.Join(words, " "), problem)
	}
	d.show(out, lines)
	return out, nil
}

// quiet runs a command line as who and shows nothing but, on stderr, if that is a terminal, its progress.
func (d *demo) quiet(ctx context.Context, who string, stderr io.Writer, words ...string) (out string, code int, problem string) {
	var stdout, errs bytes.Buffer
	o := Outside{append([]string{"natster"}, words...), d.Stdin, &stdout, &errs, d.inside(who)}
	if d.styleOf(stderr).terminal {
		o.Stderr = stderr
	}
	code = Main(ctx, o)
	problem, _, _ = strings.Cut(strings.TrimPrefix(errs.String(), "natster: "), "\n")
	return stdout.String(), code, problem
}

func (d *demo) prompt(who string, words []string) {
	line := make([]string, len(words))
	for i, w := range words {
		line[i] = shellWord(w)
	}
	d.say("    %s natster %s", d.out.dim(fmt.Sprintf("%5s$", who)), strings.Join(line, " "))
}

// show prints the first lines of what a command said, without empty ones.
func (d *demo) show(out string, lines int) {
	all := strings.FieldsFunc(out, func(r rune) bool { return r == '\n' })
	for _, l := range all[:min(len(all), lines)] {
		d.say("           %s", d.out.dim(l))
	}
	if more := len(all) - lines; more > 0 && lines > 2 {
		d.say("           %s", d.out.dim(fmt.Sprintf("… and %s", count(more, "more line"))))
	}
}

func (d *demo) startWorld(ctx context.Context) error {
	d.step("A world: the NATS server, its accounts, the functions")
	began := time.Now()
	logger := slog.New(slog.DiscardHandler)
	if d.verbose {
		logger = d.logger()
	}
	var err error
	if d.keep {
		if d.page, err = devSite(""); err != nil {
			return err
		}
	}
	d.world, err = world.Start(ctx, world.Config{
		Dir: filepath.Join(d.dir, "data", "natster", worldName), Listen: "127.0.0.1:0", WebSocket: "127.0.0.1:0", Logger: logger,
		ClaimURL: d.page.claims(),
	})
	if err != nil {
		return err
	}
	d.fact("%s: operator mode, JetStream encrypted on disk, %d functions; started in %s",
		d.world.URL(), len(d.world.Functions()), time.Since(began).Round(10*time.Millisecond))
	return nil
}

func (d *demo) enrol(ctx context.Context) error {
	d.step("Two people, each with a NATS account of their own")
	for _, name := range []string{"alice", "bob"} {
		if _, err := d.run(ctx, "", 0, "init", name); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) offer(ctx context.Context) error {
	d.step("Alice makes a catalog of a directory, shares it with Bob, and serves it")
	if _, err := d.run(ctx, "alice", 1, "catalog", "new", "media", d.media); err != nil {
		return err
	}
	if _, err := d.run(ctx, "alice", 1, "catalog", "share", "media", "bob"); err != nil {
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
	for began := time.Now(); !strings.Contains(out, "media from alice, online"); {
		// A moment passes until it is known everywhere that alice serves.
		var code int
		var problem string
		if out, code, problem = d.quiet(ctx, "bob", nil, inbox...); code != exitDone || time.Since(began) > 5*time.Second {
			return fmt.Errorf("%w: the catalog does not come online in the inbox: %s", errors.Join(errDemo, ctx.Err()), problem)
		}
	}
	d.show(out, 2)
	pasted := ""
	for l := range strings.Lines(out) {
		if f := strings.Fields(l); len(f) > 3 && f[0] == "natster" && f[3] == "media" {
			pasted = strings.Join(f[1:], " ")
		}
	}
	if _, err := d.run(ctx, "bob", 0, strings.Fields(pasted)...); err != nil {
		return err
	}
	_, err := d.run(ctx, "bob", 14, "catalog", "contents", "media")
	return err
}
