package cli

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"natster/deploy/nex"
)

// A rollout is Up or Restart.
type rollout func(*nex.Client, context.Context, []nex.Want, nex.Options) ([]nex.Step, error)

// rollout makes an action that does so with what is wanted: all functions, those named, or what a file describes.
func (e *env) rollout(do rollout) cli.ActionFunc {
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
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("environment to seal: %w", err)
	}
	env := make(map[string]string)
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		k, v, ok := strings.Cut(line, "=")
		if !ok || k == "" {
			return nil, fmt.Errorf("environment to seal: %s: line %d is not KEY=VALUE or KEY=@FILE", path, i+1)
		}
		if from, isFile := strings.CutPrefix(v, "@"); isFile {
			content, err := os.ReadFile(from)
			if err != nil {
				return nil, fmt.Errorf("environment to seal: %s: line %d: %w", path, i+1, err)
			}
			v = string(content)
		}
		env[k] = v
	}
	return env, nil
}

func (e *env) lameduck(ctx context.Context, n *nex.Client, c *cli.Context, arg []string) error {
	delay := c.Duration("delay")
	if err := n.Lameduck(ctx, arg[0], delay); err != nil {
		return err
	}
	return e.Print(map[string]string{"node": arg[0], "delay": delay.String()}, func() {
		e.Say("node %s takes no more work and ends in %s", arg[0], delay)
	})
}
