package cli

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"natster/deploy/nex"
)

func deployUpCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "up",
		Usage:     "make what runs on Nex what ought to run",
		ArgsUsage: "[NAME...]",
		Flags: nexFlags(
			&cli.IntFlag{Name: "replicas", Usage: "run `N` instances of each, on different nodes if there are",
				Value: 1},
			&cli.StringSliceFlag{Name: "file", Usage: "what a Nexfile `FILE` describes, for instance a catalog"},
			&cli.StringFlag{Name: "seal", Usage: "`FILE` of lines KEY=VALUE or KEY=@FILE, sent sealed to each nexlet"},
			tagsFlag(),
		),
		Description: `Starts what lacks, leaves what is right, replaces what was started otherwise (a function's new
instance answers before the old one stops), and waits until everything answers. Without NAME all functions. With a line
NATSTER_CREDS=@FILE to seal, a function runs with these credentials, not with those that the nexlet has.

   natster deploy up
   natster deploy up eventwriter --replicas 3
   natster deploy up --file deploy/nexfiles/catalog.yaml`,
		Action: e.rollout((*nex.Client).Up),
	}
}

// rollout is the action of a command that does so with what is wanted: all functions, those named, or what a file describes.
func (e *env) rollout(do func(*nex.Client, context.Context, []nex.Want, nex.Options) ([]nex.Step, error)) cli.ActionFunc {
	return e.onNex(0, -1, func(ctx context.Context, n *nex.Client, c *cli.Context, arg []string) error {
		o, err := rolloutOptions(c)
		if err != nil {
			return err
		}
		wants, err := e.wanted(ctx, n, o.Tags, arg, c.StringSlice("file"))
		if err != nil {
			return err
		}
		return e.stepped(do(n, ctx, wants, e.reporting(o)))
	})
}

// rolloutOptions returns what the flags say about a rollout.
func rolloutOptions(c *cli.Context) (o nex.Options, err error) {
	if o.Tags, err = tagsOf(c); err != nil {
		return o, err
	}
	o.Replicas = c.Int("replicas")
	if c.IsSet("replicas") && o.Replicas < 1 {
		return o, misused(c.Command, "--replicas %d: at least 1 (natster deploy down stops all)", o.Replicas)
	}
	if path := c.String("seal"); path != "" {
		o.Environment, err = readEnvironment(path)
	}
	return o, err
}

// readEnvironment reads lines KEY=VALUE, or KEY=@FILE for the content of a file. Its errors do not show values.
func readEnvironment(path string) (map[string]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("environment to seal: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	env := make(map[string]string)
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		k, v, ok := strings.Cut(line, "=")
		if !ok || k == "" {
			return nil, fmt.Errorf("environment to seal: %s: line %d is not KEY=VALUE or KEY=@FILE", path, n)
		}
		if from, isFile := strings.CutPrefix(v, "@"); isFile {
			content, err := os.ReadFile(from)
			if err != nil {
				return nil, fmt.Errorf("environment to seal: %s: line %d: %w", path, n, err)
			}
			v = string(content)
		}
		env[k] = v
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("environment to seal: %w", err)
	}
	return env, nil
}

func deployRestartCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "restart",
		Usage:     "replace every instance by a new one, one after the other",
		ArgsUsage: "[NAME...]",
		Flags: nexFlags(
			&cli.StringSliceFlag{Name: "file", Usage: "what a Nexfile `FILE` describes"},
			&cli.StringFlag{Name: "seal", Usage: "`FILE` of lines KEY=VALUE or KEY=@FILE, sent sealed to each nexlet"},
			tagsFlag(),
		),
		Description: `No request is lost meanwhile: the new instance answers before the old one stops. Without NAME all
functions.

   natster deploy restart otc`,
		Action: e.rollout((*nex.Client).Restart),
	}
}

func deployDownCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "down",
		Usage:     "stop what runs on Nex",
		ArgsUsage: "[NAME...]",
		Flags:     nexFlags(),
		Description: `Requests in hand are answered and the event in hand is finished. NAME may also be the id of an
instance. Without NAME everything of natster's in the namespace.

   natster deploy down
   natster deploy down catalog`,
		Action: e.onNex(0, -1, func(ctx context.Context, n *nex.Client, _ *cli.Context, arg []string) error {
			return e.stepped(n.Down(ctx, arg, e.reporting(nex.Options{})))
		}),
	}
}

func deployLameduckCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "lameduck",
		Usage:     "let a Nex node take no more work, and end after a delay",
		ArgsUsage: "NODE",
		Flags: nexFlags(&cli.DurationFlag{Name: "delay", Usage: "`TIME` until the node ends",
			Value: 10 * time.Minute}),
		Description: `NODE is a name or an id. What runs there goes on until the node ends; natster deploy up starts it
on other nodes first.

   natster deploy lameduck natster-1
   natster deploy up`,
		Action: e.onNex(1, 1, func(ctx context.Context, n *nex.Client, c *cli.Context, arg []string) error {
			delay := c.Duration("delay")
			if err := n.Lameduck(ctx, arg[0], delay); err != nil {
				return err
			}
			return e.Print(map[string]string{"node": arg[0], "delay": delay.String()}, func() {
				e.Say("node %s takes no more work and ends in %s", arg[0], delay)
			})
		}),
	}
}
