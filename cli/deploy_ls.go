package cli

import (
	"context"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"natster/deploy/nex"
)

func deployLsCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "ls",
		Usage:     "list what runs on Nex",
		ArgsUsage: "[NAME...]",
		Flags:     nexFlags(),
		Description: `Every instance of the namespace, or those with a name or id; namespace "system" lists all. RUNS and ERRORS count since
its nexlet started it.

   natster deploy ls`,
		Action: e.onNex(0, -1, func(ctx context.Context, n *nex.Client, _ *cli.Context, arg []string) error {
			all, err := n.List(ctx, arg...)
			if err != nil {
				return err
			}
			return e.print(all, func() {
				t := table{head: []string{"NAME", "ID", "STATE", "NODE", "RUNS", "ERRORS", "LAST RUN", "UP"}, end: []int{4, 5}}
				for _, w := range all {
					t.row(w.Name, w.ID, string(w.State), short(w.Metadata["node"]), w.Metadata["runs"], w.Metadata["errors"],
						ago(w.Metadata["last_run"]), strings.TrimSuffix(ago(w.StartTime), " ago"))
				}
				e.printTable(t, "nothing runs in namespace "+n.Namespace())
			})
		}),
	}
}

// short is the beginning of a node's key, enough to tell nodes apart.
func short(key string) string {
	const enough = 8
	if len(key) > enough {
		return key[:enough]
	}
	return key
}

// ago is how long ago a time in RFC 3339 was; what is none is shown as it is.
func ago(text string) string {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return time.Since(at).Truncate(time.Second).String() + " ago"
}
