package cli

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v2"

	"natster/deploy/cluster"
	"natster/deploy/world"
	"natster/functions/api"
)

func adminProvisionCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "provision",
		Usage:     "make the streams and buckets of a world on NATS servers of its own",
		ArgsUsage: "SERVER...",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "replicas", Usage: "keep everything on `N` servers", Value: 3},
			worldFlag(),
		},
		Description: `The one setting for all streams and buckets is --replicas; run it again to change it, or after an update of natster. From
then on this world is at the servers, for natster init and everything else here. Once functions run (natster deploy up), run
it once more: it introduces the hub.

   natster admin provision a.example.net b.example.net c.example.net --replicas 3`,
		Action: args(1, -1, func(ctx context.Context, c *cli.Context, arg []string) error {
			servers, err := serversOf(c, arg)
			if err != nil {
				return err
			}
			n := c.Int("replicas")
			if n < 1 || n > len(servers) {
				return misused(c.Command, "--replicas %d: there are %s", n, count(len(servers), "server"))
			}
			dir, err := e.worldDir(c.String("world"))
			if err != nil {
				return err
			}
			fns, err := world.Provision(ctx, dir, cluster.URLs(servers), n)
			if errors.Is(err, nats.ErrNoServers) {
				return hint(err, "admin cluster SERVER...")
			}
			if err != nil {
				return err
			}
			const moment = 3 * time.Second
			short, cancel := context.WithTimeout(ctx, moment)
			defer cancel()
			greeted := world.Greet(short, dir)
			if greeted != nil && !errors.Is(greeted, api.ErrUnavailable) {
				return greeted
			}
			return e.print(map[string]any{"functions": len(fns), "replicas": n, "hub": greeted == nil}, func() {
				e.say("streams, buckets and consumers of %s are there, with %s", count(len(fns), "function"), count(n, "replica"))
				if greeted != nil {
					e.say("no function runs yet; next: natster admin creds, natster deploy up, and this once more")
				}
			})
		}),
	}
}
