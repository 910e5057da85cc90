package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v2"

	"natster/cli/hint"
	"natster/cli/term"
	"natster/deploy/accounts"
	"natster/deploy/cluster"
	"natster/deploy/world"
	"natster/functions"
	"natster/internal/private"
)

func adminCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:        "admin",
		Usage:       "look after a world on this machine",
		Category:    categoryLook,
		Description: `For the person who runs the world: these commands use its own keys.`,
		Subcommands: []*cli.Command{{
			Name:  "check",
			Usage: "read the whole event log and report what is lost",
			Flags: []cli.Flag{worldFlag()},
			Description: `Reads every event at every position, and compares the end of the log with the projections. It
exits with 0 for a sound log and 1 for a damaged one. Everybody may go on meanwhile. What is lost comes back with a
backup, or not at all; then natster admin rebuild --all --accept-loss goes on without it.`,
			Action: args(0, 0, e.checkLog),
		}, {
			Name:      "rebuild",
			Usage:     "make projections anew from the event log",
			ArgsUsage: "[PROJECTION...]",
			Flags: []cli.Flag{
				&cli.BoolFlag{Name: "all", Usage: "all of them, in one pass over the log"},
				&cli.BoolFlag{Name: "accept-loss", Usage: "rebuild from a log that has lost events, without them"},
				worldFlag(),
			},
			Description: `Everything natster knows is in the event log; projections are what makes it quick to ask.
Meanwhile everybody goes on reading the old ones. PROJECTION is accounts, catalogs, shares, logins or stats. A log that
has lost events is refused: what the old projections still know of them would be gone for good (see natster admin
check).

   natster admin rebuild shares
   natster admin rebuild --all`,
			Action: args(0, -1, e.rebuild),
		}, {
			Name:      "creds",
			Usage:     "write the credentials that functions need to run on Nex",
			ArgsUsage: "[DIR]",
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "claim-url", Usage: "`URL` of a website's page where one-time codes are claimed"},
				worldFlag(),
			},
			Description: `Writes a directory for nexlets (NATSTER_CREDS_DIR; ` + usualDir("creds") + ` if none is
given): each function's own credentials, which permit what it declares and nothing else, and where this world is. Copy
it to every machine with a Nex node, and keep it as you keep passwords. Write it again after an update of natster.

   natster admin creds
   natster admin creds /srv/natster/creds`,
			Action: args(0, 1, e.writeCreds),
		}, {
			Name:  "nats",
			Usage: "write contexts for the nats command, to look at the world with it",
			Flags: []cli.Flag{worldFlag()},
			Description: `Three, and nothing that others wrote is replaced: natster-admin may do everything in the
account of the functions, with the event log and the buckets; natster-system sees the server itself; natster-me is the
account that you act as.

   natster admin nats
   nats --context natster-admin micro ls
   nats --context natster-system server list
   nats --context natster-me subscribe '>'`,
			Action: args(0, 0, e.writeNATSContexts),
		}, {
			Name:      "cluster",
			Usage:     "write the configuration of NATS servers for a world that outgrew one machine",
			ArgsUsage: "SERVER...",
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "out", Usage: "`DIR` for the directories", Value: "."},
				worldFlag(),
			},
			Description: `Writes a directory for each server, private and complete: copy it there, and in it run
nats-server -c nats-server.conf. SERVER is HOST[:PORT[:ROUTEPORT]], an odd number of them. JetStream's files are
encrypted on disk, and only servers with a certificate from here can join; the keys for that are made once and kept in
cluster/ in the world's directory, whose accounts' keys stay here, too. Servers beyond this machine want a certificate
for their clients, server-cert.pem and server-key.pem. Then make the streams, with a replica on each server: natster
admin provision.

   natster admin cluster a.example.net b.example.net c.example.net
   natster admin provision a.example.net b.example.net c.example.net --replicas 3`,
			Action: args(1, -1, e.writeCluster),
		}, {
			Name:      "provision",
			Usage:     "make the streams and buckets of a world on NATS servers of its own",
			ArgsUsage: "SERVER...",
			Flags: []cli.Flag{
				&cli.IntFlag{Name: "replicas", Usage: "keep everything on `N` servers", Value: 3},
				worldFlag(),
			},
			Description: `The one setting for all streams and buckets is --replicas; run it again to change it, or after
an update of natster. From then on this world is at the servers, for natster init and everything else here, once
functions run (natster deploy up).

   natster admin provision a.example.net b.example.net c.example.net --replicas 3`,
			Action: args(1, -1, e.provision),
		}, limitsCommand(e)},
	}
}

func worldFlag() cli.Flag {
	return &cli.StringFlag{Name: "world", Usage: "`DIR` of the world (or set NATSTER_WORLD)"}
}

// adminDir returns the directory of a world on this machine: the one that flag names, or the context's, or
// the usual one.
func (e *env) adminDir(flag string) (string, error) {
	if s, err := e.session(); err == nil && flag == "" && s.me.World != "" {
		return s.me.World, nil
	}
	return e.dirs.World(flag)
}

// administer connects to the global account of a world on this machine: the one that flag names, or the context's, or
// the usual one. The caller closes the connection.
func (e *env) administer(ctx context.Context, flag string) (*nats.Conn, *accounts.Operator, error) {
	dir, err := e.adminDir(flag)
	if err != nil {
		return nil, nil, err
	}
	return world.Admin(ctx, dir, nats.Name("natster "+accounts.AdminUser), e.troubles())
}

func (e *env) writeCreds(ctx context.Context, c *cli.Context, arg []string) error {
	dir, err := e.dirs.World(c.String("world"))
	if err != nil {
		return err
	}
	to, err := e.nexletDir("NATSTER_CREDS_DIR", "creds")
	if err != nil {
		return err
	}
	if len(arg) > 0 {
		to = arg[0]
	}
	fns, err := world.Export(ctx, dir, to, c.String("claim-url"))
	if err != nil {
		return err
	}
	names := hint.Names(fns, functionName)
	return e.Print(map[string]any{"directory": to, "functions": names}, func() {
		e.Say("credentials of %s and the hub are in %s", term.Count(len(names), "function"), to)
	})
}

func (e *env) writeCluster(ctx context.Context, c *cli.Context, arg []string) error {
	servers, err := serversOf(c, arg)
	if err != nil {
		return err
	}
	dir, err := e.dirs.World(c.String("world"))
	if err != nil {
		return err
	}
	op, err := world.Keys(ctx, dir)
	if err != nil {
		return err
	}
	keys, err := cluster.OpenKeys(filepath.Join(dir, "cluster"))
	if err != nil {
		return err
	}
	out := c.String("out")
	all, err := keys.Configs(op, servers, func(i int, name string) []byte {
		text, _ := os.ReadFile(filepath.Join(out, cluster.Name(i), name)) // what cannot be read is made anew
		return text
	})
	if err != nil {
		return err
	}
	if err := private.MkdirAll(out); err != nil { // not Mkdir: the mode of a directory that is there stays
		return err
	}
	dirs := make([]string, len(all))
	for i, files := range all {
		dirs[i] = filepath.Join(out, cluster.Name(i))
		if err := private.Mkdir(dirs[i]); err != nil {
			return err
		}
		for _, f := range files {
			if err := private.WriteFile(filepath.Join(dirs[i], f.Name), f.Content); err != nil {
				return err
			}
		}
	}
	return e.Print(map[string]any{"directories": dirs, "url": cluster.URLs(servers)}, func() {
		for i, d := range dirs {
			e.Say("%s is for %s; there, in it: nats-server -c %s", d, servers[i].Host, cluster.Config)
		}
		e.Say("keep them as you keep passwords: each has the key that the event log is encrypted with")
	})
}

func functionName(f functions.Function) string { return f.Name }

// serversOf parses the arguments of a command as servers.
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

func (e *env) provision(ctx context.Context, c *cli.Context, arg []string) error {
	servers, err := serversOf(c, arg)
	if err != nil {
		return err
	}
	n := c.Int("replicas")
	if n < 1 || n > len(servers) {
		return misused(c.Command, "--replicas %d: there are %s", n, term.Count(len(servers), "server"))
	}
	dir, err := e.dirs.World(c.String("world"))
	if err != nil {
		return err
	}
	fns, err := world.Provision(ctx, dir, cluster.URLs(servers), n)
	if errors.Is(err, nats.ErrNoServers) || errors.Is(err, accounts.ErrNotRunning) {
		return hint.Add(err, "admin cluster SERVER...")
	}
	if err != nil {
		return err
	}
	return e.Print(map[string]any{"functions": len(fns), "replicas": n}, func() {
		e.Say("streams, buckets and consumers of %s are there, with %s", term.Count(len(fns), "function"),
			term.Count(n, "replica"))
		e.Say("next, unless its functions run: natster admin creds, natster deploy up")
	})
}
