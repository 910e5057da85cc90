package cli

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"natster/deploy/nex"
	"natster/deploy/world"
)

func deployStatusCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:  "status",
		Usage: "compare what runs on Nex with what ought to run",
		Flags: nexFlags(&cli.IntFlag{Name: "replicas", Usage: "`N` instances of each are wanted"}),
		Description: `A line for each function, and for whatever else of natster's runs in the namespace. It fails when something that ought
to run does not.

   natster deploy status
   natster deploy status --replicas 2`,
		Action: e.onNex(0, 0, func(ctx context.Context, n *nex.Client, c *cli.Context, _ []string) error {
			fns, err := world.Declared()
			if err != nil {
				return err
			}
			wants := nex.Wants(fns)
			for i := range wants {
				wants[i].Replicas = c.Int("replicas")
			}
			all, err := n.Status(ctx, wants)
			if err != nil {
				return err
			}
			bad := 0
			t := table{head: []string{"NAME", "VERDICT", "READY", "WHY"}}
			for _, s := range all {
				if s.Verdict != nex.OK && s.Verdict != nex.Extra {
					bad++
				}
				t.row(s.Name, string(s.Verdict), fmt.Sprintf("%d/%d", s.Ready, s.Wanted), s.Why)
			}
			if err := e.print(all, func() { e.printTable(t, "no functions") }); err != nil {
				return err
			}
			if bad > 0 {
				return hint(fmt.Errorf("%d of %s not as they ought to be", bad, count(len(all), "workload")), "deploy up")
			}
			return nil
		}),
	}
}
