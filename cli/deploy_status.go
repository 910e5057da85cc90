package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"natster/cli/hint"
	"natster/cli/term"
	"natster/deploy/nex"
	"natster/deploy/world"
)

func deployStatusCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:  "status",
		Usage: "compare what runs on Nex with what ought to run",
		Flags: nexFlags(&cli.IntFlag{Name: "replicas", Usage: "`N` instances of each are wanted"}),
		Description: `A line for each function, and for whatever else of natster's runs in the namespace. It fails when
something that ought to run does not.

   natster deploy status
   natster deploy status --replicas 2`,
		Action: e.onNex(0, 0, func(ctx context.Context, n *nex.Client, c *cli.Context, _ []string) error {
			wants := nex.Wants(world.Functions(world.Settings{}))
			for i := range wants {
				wants[i].Replicas = c.Int("replicas")
			}
			all, err := n.Status(ctx, wants)
			if err != nil {
				return err
			}
			bad := 0
			t := term.Table{Head: []string{"NAME", "VERDICT", "READY", "WHY"}}
			for _, s := range all {
				if s.Verdict != nex.OK && s.Verdict != nex.Extra {
					bad++
				}
				t.Row(s.Name, string(s.Verdict), fmt.Sprintf("%d/%d", s.Ready, s.Wanted), s.Why)
			}
			if err := e.Print(all, func() { e.Table(t, "no functions") }); err != nil {
				return err
			}
			if bad > 0 {
				return hint.Add(fmt.Errorf("%d of %s not as they ought to be", bad, term.Count(len(all), "workload")),
					"deploy up")
			}
			return nil
		}),
	}
}

func deployLsCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "ls",
		Usage:     "list what runs on Nex",
		ArgsUsage: "[NAME...]",
		Flags:     nexFlags(),
		Description: `Every instance of the namespace, or those with a name or id; namespace "system" lists all. RUNS
and ERRORS count since its nexlet started it.

   natster deploy ls`,
		Action: e.onNex(0, -1, func(ctx context.Context, n *nex.Client, _ *cli.Context, arg []string) error {
			all, err := n.List(ctx, arg...)
			if err != nil {
				return err
			}
			return e.Print(all, func() {
				t := term.Table{Head: []string{"NAME", "ID", "STATE", "NODE", "RUNS", "ERRORS", "LAST RUN", "UP"},
					End: []int{4, 5}}
				for _, w := range all {
					t.Row(w.Name, w.ID, string(w.State), short(w.Metadata["node"]), w.Metadata["runs"],
						w.Metadata["errors"],
						ago(w.Metadata["last_run"]), strings.TrimSuffix(ago(w.StartTime), " ago"))
				}
				e.Table(t, "nothing runs in namespace "+n.Namespace())
			})
		}),
	}
}

// short returns the beginning of a node's key, enough to tell nodes apart.
func short(key string) string {
	const enough = 8
	if len(key) > enough {
		return key[:enough]
	}
	return key
}

// ago returns how long ago a time in RFC 3339 was. Other text it returns as it is.
func ago(text string) string {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return time.Since(at).Truncate(time.Second).String() + " ago"
}

func deployNodesCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:  "nodes",
		Usage: "list Nex nodes and their nexlets",
		Flags: nexFlags(tagsFlag()),
		Description: `A node can be given work when its nexlet is healthy.

   natster deploy nodes`,
		Action: e.onNex(0, 0, func(ctx context.Context, n *nex.Client, c *cli.Context, _ []string) error {
			tags, err := tagsOf(c)
			if err != nil {
				return err
			}
			nodes, err := n.Nodes(ctx, tags)
			if err != nil {
				return err
			}
			return e.Print(nodes, func() {
				t := term.Table{Head: []string{"NODE", "ID", "STATE", "NEXLET", "VERSION", "WORKLOADS", "TAGS"},
					End: []int{5}}
				for _, node := range nodes {
					health, version, workloads := "-", "-", 0
					for _, a := range node.Agents {
						if a.Type == "natster" {
							health, version = a.Health, a.Version
							workloads += a.Workloads
						}
					}
					t.Row(node.Name, short(node.ID), node.State, health, version, strconv.Itoa(workloads),
						ownTags(node))
				}
				e.Table(t, "no nodes")
			})
		}),
	}
}

// ownTags returns a node's tags without those that Nex gives every node.
func ownTags(n nex.Node) string {
	var all []string
	for _, k := range slices.Sorted(maps.Keys(n.Tags)) {
		if !strings.HasPrefix(k, "nex.") {
			all = append(all, k+"="+n.Tags[k])
		}
	}
	return strings.Join(all, " ")
}

func deployLogsCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "logs",
		Usage:     "show the logs of what runs on Nex",
		ArgsUsage: "[NAME...]",
		Flags: nexFlags(&cli.BoolFlag{Name: "follow", Aliases: []string{"f"},
			Usage: "go on with new lines, until Ctrl-C"}),
		Description: `The last lines that nexlets remember of each instance; with -f then each line as it comes.

   natster deploy logs otc
   natster deploy logs -f`,
		Action: e.onNex(0, -1, func(ctx context.Context, n *nex.Client, c *cli.Context, arg []string) error {
			names := make(map[string]string) // by id
			show := func(l nex.Line) error {
				if l.Name == "" {
					l.Name = names[l.Workload]
				}
				if len(arg) > 0 && !slices.Contains(arg, l.Name) && !slices.Contains(arg, l.Workload) {
					return nil
				}
				return e.PrintLine(l, func() { e.Say("%s  %s", e.Out.Cyan(l.Name), l.Text) })
			}
			recent, err := n.Recent(ctx, arg...)
			if err != nil {
				return err
			}
			for _, l := range recent {
				names[l.Workload] = l.Name
				if err := show(l); err != nil {
					return err
				}
			}
			if !c.Bool("follow") {
				return nil
			}
			owners, err := n.Feeds(ctx)
			if err != nil {
				return err
			}
			var broken error
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			err = n.Logs(ctx, owners, func(l nex.Line) {
				if names[l.Workload] == "" { // started since
					if all, err := n.List(ctx, l.Workload); err == nil && len(all) == 1 {
						names[l.Workload] = all[0].Name
					}
				}
				if broken = show(l); broken != nil {
					cancel()
				}
			})
			if broken != nil {
				return broken
			}
			return err
		}),
	}
}
