package cli

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"natster/deploy/cluster"
	"natster/deploy/world"
)

func adminClusterCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "cluster",
		Usage:     "write the configuration of NATS servers for a world that outgrew one machine",
		ArgsUsage: "SERVER...",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "`DIR` for the files", Value: "."},
			worldFlag(),
		},
		Description: `Writes a file for each server, for nats-server -c FILE; SERVER is HOST[:PORT[:ROUTEPORT]], an odd number of them. The
files have no secrets: the world's keys stay here. Servers beyond this machine want server-cert.pem, server-key.pem and
ca.pem beside the file. Then make the streams, with a replica on each server: natster admin provision.

   natster admin cluster a.example.net b.example.net c.example.net
   natster admin provision a.example.net b.example.net c.example.net --replicas 3`,
		Action: args(1, -1, func(ctx context.Context, c *cli.Context, arg []string) error {
			servers, err := serversOf(c, arg)
			if err != nil {
				return err
			}
			dir, err := e.worldDir(c.String("world"))
			if err != nil {
				return err
			}
			op, err := world.Keys(ctx, dir)
			if err != nil {
				return err
			}
			files, err := cluster.Configs(op, servers)
			if err != nil {
				return err
			}
			var paths []string
			for i, text := range files {
				path := filepath.Join(c.String("out"), fmt.Sprintf("natster-%d.conf", i+1))
				if err := writePrivate(path, text); err != nil {
					return err
				}
				paths = append(paths, path)
			}
			return e.print(map[string]any{"files": paths, "url": cluster.URLs(servers)}, func() {
				for i, p := range paths {
					e.say("on %s: nats-server -c %s", servers[i].Host, p)
				}
			})
		}),
	}
}

func serversOf(c *cli.Context, arg []string) ([]cluster.Server, error) {
	var all []cluster.Server
	for _, a := range arg {
		s, err := cluster.ParseServer(a)
		if err != nil {
			return nil, misused(c.Command, "%v", err)
		}
		all = append(all, s)
	}
	return all, nil
}
