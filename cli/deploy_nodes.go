package cli

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"natster/deploy/nex"
)

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
			return e.print(nodes, func() {
				t := table{head: []string{"NODE", "ID", "STATE", "NEXLET", "VERSION", "WORKLOADS", "TAGS"}, end: []int{5}}
				for _, node := range nodes {
					health, version, workloads := "-", "-", 0
					for _, a := range node.Agents {
						if a.Type == "natster" {
							health, version = a.Health, a.Version
							workloads += a.Workloads
						}
					}
					t.row(node.Name, short(node.ID), node.State, health, version, strconv.Itoa(workloads), ownTags(node))
				}
				e.printTable(t, "no nodes")
			})
		}),
	}
}

// ownTags are a node's tags but for those that Nex gives every node.
func ownTags(n nex.Node) string {
	var all []string
	for _, k := range slices.Sorted(maps.Keys(n.Tags)) {
		if !strings.HasPrefix(k, "nex.") {
			all = append(all, k+"="+n.Tags[k])
		}
	}
	return strings.Join(all, " ")
}
