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
		Subcommands: []*cli.Command{{
			Name:      "up",
			Usage:     "make what runs on Nex what ought to run",
			ArgsUsage: "[NAME...]",
			Flags: nexFlags(
				&cli.IntFlag{Name: "replicas", Usage: "run `N` instances of each, on different nodes if there are",
					Value: 1},
				&cli.StringSliceFlag{Name: "file", Usage: "what a Nexfile `FILE` describes, for instance a catalog"},
				sealFlag(), tagsFlag(),
			),
			Description: `Starts what lacks, leaves what is right, replaces what was started otherwise (a function's new
instance answers before the old one stops), and waits until everything answers. Without NAME all functions. With a line
NATSTER_CREDS=@FILE to seal, a function runs with these credentials, not with those that the nexlet has.

   natster deploy up
   natster deploy up eventwriter --replicas 3
   natster deploy up --file deploy/nexfiles/catalog.yaml`,
			Action: e.rollout((*nex.Client).Up),
		}, {
			Name:      "ls",
			Usage:     "list what runs on Nex",
			ArgsUsage: "[NAME...]",
			Flags:     nexFlags(),
			Description: `Every instance of the namespace, or those with a name or id; namespace "system" lists all.
RUNS and ERRORS count since its nexlet started it.

   natster deploy ls`,
			Action: e.onNex(0, -1, e.listWorkloads),
		}, {
			Name:  "status",
			Usage: "compare what runs on Nex with what ought to run",
			Flags: nexFlags(&cli.IntFlag{Name: "replicas", Usage: "`N` instances of each are wanted"}),
			Description: `A line for each function, and for whatever else of natster's runs in the namespace. It fails
when something that ought to run does not.

   natster deploy status
   natster deploy status --replicas 2`,
			Action: e.onNex(0, 0, e.deployStatus),
		}, {
			Name:      "logs",
			Usage:     "show the logs of what runs on Nex",
			ArgsUsage: "[NAME...]",
			Flags: nexFlags(&cli.BoolFlag{Name: "follow", Aliases: []string{"f"},
				Usage: "go on with new lines, until Ctrl-C"}),
			Description: `The last lines that nexlets remember of each instance; with -f then each line as it comes.

   natster deploy logs otc
   natster deploy logs -f`,
			Action: e.onNex(0, -1, e.deployLogs),
		}, {
			Name:      "restart",
			Usage:     "replace every instance by a new one, one after the other",
			ArgsUsage: "[NAME...]",
			Flags: nexFlags(
				&cli.StringSliceFlag{Name: "file", Usage: "what a Nexfile `FILE` describes"}, sealFlag(), tagsFlag(),
			),
			Description: `No request is lost meanwhile: the new instance answers before the old one stops. Without NAME
all functions.

   natster deploy restart otc`,
			Action: e.rollout((*nex.Client).Restart),
		}, {
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
		}, {
			Name:  "nodes",
			Usage: "list Nex nodes and their nexlets",
			Flags: nexFlags(tagsFlag()),
			Description: `A node can be given work when its nexlet is healthy.

   natster deploy nodes`,
			Action: e.onNex(0, 0, e.listNodes),
		}, {
			Name:      "lameduck",
			Usage:     "let a Nex node take no more work, and end after a delay",
			ArgsUsage: "NODE",
			Flags: nexFlags(&cli.DurationFlag{Name: "delay", Usage: "`TIME` until the node ends",
				Value: 10 * time.Minute}),
			Description: `NODE is a name or an id. What runs there goes on until the node ends; natster deploy up starts
it on other nodes first.

   natster deploy lameduck natster-1
   natster deploy up`,
			Action: e.onNex(1, 1, e.lameduck),
		}},
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

func sealFlag() cli.Flag {
	return &cli.StringFlag{Name: "seal", Usage: "`FILE` of lines KEY=VALUE or KEY=@FILE, sent sealed to each nexlet"}
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
		return f(ctx, client, c, arg)
	})
}

// dialNex connects to Nex's NATS.
func (e *env) dialNex(urlFlag, credsFlag string) (*nats.Conn, error) {
	url := e.nexURL(urlFlag)
	creds, err := e.nexCreds(credsFlag, nil)
	if err != nil {
		return nil, err
	}
	options := []nats.Option{nats.Name("natster deploy"), nats.Timeout(5 * time.Second), e.troubles()}
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
			known := hint.Names(all, func(w nex.Want) string { return w.Name })
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
