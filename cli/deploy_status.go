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
	"natster/workloads/nexlet/wire"
)

func (e *env) deployStatus(ctx context.Context, n *nex.Client, c *cli.Context, _ []string) error {
	wants := nex.Wants(world.Functions(world.Settings{}))
	for i := range wants {
		wants[i].Replicas = c.Int("replicas")
	}
	all, err := n.Status(ctx, wants)
	if err != nil {
		return err
	}
	bad := 0
	for _, s := range all {
		if s.Verdict != nex.OK && s.Verdict != nex.Extra {
			bad++
		}
	}
	t := term.Table{Head: []string{"NAME", "VERDICT", "READY", "WHY"}, Empty: "no functions"}
	err = term.PrintRows(e.Printer, all, t, func(s nex.Status) []string {
		return []string{s.Name, string(s.Verdict), fmt.Sprintf("%d/%d", s.Ready, s.Wanted), s.Why}
	})
	if err == nil && bad > 0 {
		err = fmt.Errorf("%d of %s not as they ought to be", bad, term.Count(len(all), "workload"))
		return hint.Add(err, "deploy up")
	}
	return err
}

func (e *env) listWorkloads(ctx context.Context, n *nex.Client, _ *cli.Context, arg []string) error {
	all, err := n.List(ctx, arg...)
	if err != nil {
		return err
	}
	t := term.Table{
		Head: []string{"NAME", "ID", "STATE", "NODE", "RUNS", "ERRORS", "LAST RUN", "UP"}, End: []int{4, 5},
		Empty: "nothing runs in namespace " + n.Namespace(),
	}
	return term.PrintRows(e.Printer, all, t, func(w wire.WorkloadSummary) []string {
		m := w.Metadata
		return []string{w.Name, w.ID, string(w.State), short(m["node"]), m["runs"], m["errors"],
			ago(m["last_run"]), strings.TrimSuffix(ago(w.StartTime), " ago")}
	})
}

// short returns the beginning of a node's key, enough to tell nodes apart.
func short(key string) string {
	return key[:min(len(key), 8)]
}

// ago returns how long ago a time in RFC 3339 was. Other text it returns as it is.
func ago(text string) string {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return time.Since(at).Truncate(time.Second).String() + " ago"
}

func (e *env) listNodes(ctx context.Context, n *nex.Client, c *cli.Context, _ []string) error {
	tags, err := tagsOf(c)
	if err != nil {
		return err
	}
	nodes, err := n.Nodes(ctx, tags)
	if err != nil {
		return err
	}
	t := term.Table{
		Head: []string{"NODE", "ID", "STATE", "NEXLET", "VERSION", "WORKLOADS", "TAGS"}, End: []int{5},
		Empty: "no nodes",
	}
	return term.PrintRows(e.Printer, nodes, t, func(node nex.Node) []string {
		health, version, workloads := "-", "-", 0
		for _, a := range node.Agents {
			if a.Type == "natster" {
				health, version = a.Health, a.Version
				workloads += a.Workloads
			}
		}
		return []string{node.Name, short(node.ID), node.State, health, version, strconv.Itoa(workloads), ownTags(node)}
	})
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

func (e *env) deployLogs(ctx context.Context, n *nex.Client, c *cli.Context, arg []string) error {
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
}
