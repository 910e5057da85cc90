package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v2"

	"natster/cli/hint"
	"natster/deploy/nex"
	"natster/deploy/world"
	"natster/workloads/nexlet/wire"
)

func deployCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "deploy",
		Usage:    "run functions and catalogs on Nex nodes",
		Category: categoryDeploy,
		Description: `When one machine is not enough. Needed are a NATS server for Nex, a world (natster devrun), its
credentials where the nexlets are (natster admin creds), and nodes (nex --config nex.json node up).

   natster deploy up
   natster deploy status`,
		Subcommands: []*cli.Command{
			deployUpCommand(e), deployLsCommand(e), deployStatusCommand(e), deployLogsCommand(e),
			deployRestartCommand(e), deployDownCommand(e), deployNodesCommand(e), deployLameduckCommand(e),
		},
	}
}

// nexFlags returns the flags that say where Nex is, which every command of deploy has, after own.
func nexFlags(own ...cli.Flag) []cli.Flag {
	return append(own,
		&cli.StringFlag{Name: "namespace", Usage: "`NAMESPACE` of the workloads", Value: nex.DefaultNamespace},
		&cli.StringFlag{Name: "nats", Usage: "`URL` of Nex's NATS (or set NATSTER_NEX_URL)"},
		&cli.StringFlag{Name: "creds", Usage: "credentials `FILE` for it (or set NATSTER_NEX_CREDS)"},
	)
}

func tagsFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "tags", Usage: "only nodes with tag `KEY=VALUE`"}
}

// A nexAction is an action that needs a client of Nex.
type nexAction func(ctx context.Context, n *nex.Client, c *cli.Context, arg []string) error

// onNex makes an action of f, and gives it a client that ends with it.
func (e *env) onNex(least, most int, f nexAction) cli.ActionFunc {
	return args(least, most, func(ctx context.Context, c *cli.Context, arg []string) error {
		nc, err := e.dialNex(c.String("nats"), c.String("creds"))
		if err != nil {
			return err
		}
		defer nc.Close()
		client, err := nex.New(nex.Config{Conn: nc, Namespace: c.String("namespace")})
		if err != nil {
			return err
		}
		return nexHint(f(ctx, client, c, arg))
	})
}

// dialNex connects to Nex's NATS.
func (e *env) dialNex(urlFlag, credsFlag string) (*nats.Conn, error) {
	url := e.nexURL(urlFlag)
	creds, err := e.nexCreds(credsFlag, nil)
	if err != nil {
		return nil, err
	}
	options := []nats.Option{nats.Name("natster deploy"), nats.Timeout(5 * time.Second)}
	if len(creds) > 0 {
		options = append(options, nats.UserCredentialBytes(creds))
	}
	nc, err := nats.Connect(url, options...)
	switch {
	case errors.Is(err, nats.ErrNoServers):
		return nil, hint.Add(fmt.Errorf("there is no NATS server for Nex at %s: %w", url, err),
			"deploy nodes --nats nats://HOST:4222")
	case err != nil:
		return nil, hint.Add(fmt.Errorf("NATS for Nex at %s: %w", url, err), "deploy nodes --creds FILE")
	}
	return nc, nil
}

func nexHint(err error) error {
	switch {
	case errors.Is(err, nex.ErrUnknown), errors.Is(err, nex.ErrNotFound):
		return hint.Add(err, "deploy status")
	case errors.Is(err, nex.ErrNotReady):
		return hint.Add(err, "deploy logs")
	case errors.Is(err, nex.ErrNoBid), errors.Is(err, nex.ErrNoAnswer):
		return hint.Add(err, "deploy nodes")
	}
	return err
}

// tagsOf returns what the flag --tags says.
func tagsOf(c *cli.Context) (wire.Tags, error) {
	tags := wire.Tags{}
	for _, t := range c.StringSlice("tags") {
		k, v, ok := strings.Cut(t, "=")
		if !ok || k == "" {
			return nil, misused(c.Command, "--tags %q is not KEY=VALUE", t)
		}
		tags[k] = v
	}
	return tags, nil
}

// wanted returns the functions with these names, or all that nexlets offer, and the workloads of the Nexfiles.
func (e *env) wanted(ctx context.Context, n *nex.Client, tags wire.Tags, names, files []string) ([]nex.Want, error) {
	all := nex.Wants(world.Functions(world.Settings{}))
	var wants []nex.Want
	for _, path := range files {
		w, err := nex.ReadNexfile(path)
		if err != nil {
			return nil, err
		}
		wants = append(wants, w)
	}
	for _, name := range names {
		i := slices.IndexFunc(all, func(w nex.Want) bool { return w.Name == name })
		if i < 0 {
			var known []string
			for _, w := range all {
				known = append(known, w.Name)
			}
			return nil, fmt.Errorf("%q: %w; functions are %s", name, nex.ErrUnknown, strings.Join(known, ", "))
		}
		wants = append(wants, all[i])
	}
	if len(names)+len(files) > 0 {
		return wants, nil
	}
	offered, err := n.Offered(ctx, tags)
	if err != nil {
		return nil, err
	}
	return e.among(all, offered), nil
}

// among returns the workloads whose function is offered, and prints a note about each of the others.
func (e *env) among(all []nex.Want, offered []string) (wants []nex.Want) {
	for _, w := range all {
		switch {
		case slices.Contains(offered, w.Start.Function):
			wants = append(wants, w)
		case w.Start.Function == "authority":
			e.Note("%s is left out: no nexlet can run it, it needs the world's own machine", w.Name)
		default:
			e.Note("%s is left out: no nexlet can run it", w.Name)
		}
	}
	return wants
}

// reporting returns o with a report of each step, as it is done.
func (e *env) reporting(o nex.Options) nex.Options {
	o.Report = func(s nex.Step) {
		if e.JSON || s.Action == nex.Failed {
			return // JSON is printed at the end, a failure as the command's error
		}
		where, reason := "", ""
		if s.Node != "" {
			where = " on " + s.Node
		}
		if s.Why != "" {
			reason = " (" + s.Why + ")"
		}
		e.Say("%-8s %s%s  %s", s.Action, e.Out.Bold(s.Name), where, e.Out.Dim(s.ID+reason))
	}
	return o
}

// stepped prints the steps of a rollout.
func (e *env) stepped(steps []nex.Step, err error) error {
	if e.JSON {
		if steps == nil {
			steps = []nex.Step{}
		}
		return errors.Join(e.Print(steps, nil), err)
	}
	if err == nil && len(steps) == 0 {
		e.Say("nothing to do")
	}
	return err
}
