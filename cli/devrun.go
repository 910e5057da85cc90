package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"natster/cli/hint"
	"natster/cli/sample"
	"natster/cli/site"
	"natster/cli/term"
	"natster/deploy/nex"
	"natster/deploy/world"
	"natster/deploy/world/embedded"
)

// stopTimeout is how long functions may take to finish what they are doing when the world ends.
const stopTimeout = 10 * time.Second

func devrunCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "devrun",
		Usage:    "run a whole world on this machine, in the foreground",
		Category: categoryStart,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "dir", Usage: "`DIR` of the world; made if need be (or set NATSTER_WORLD)"},
			&cli.StringFlag{Name: "listen", Usage: "`HOST:PORT` for natster on this and other machines"},
			&cli.StringFlag{Name: "websocket", Usage: "`HOST:PORT` for browsers"},
			&cli.StringFlag{Name: "tls-cert", Usage: "PEM `FILE` of the certificate, to listen beyond this machine"},
			&cli.StringFlag{Name: "tls-key", Usage: "PEM `FILE` of its key"},
			&cli.StringFlag{Name: "hub", Usage: "`DIR` of the hub's catalog, given to everybody (or sample media)"},
			&cli.StringFlag{Name: "web", Usage: "`HOST:PORT` on this machine for the website, or \"off\""},
			&cli.StringFlag{Name: "claim-url", Usage: "`URL` of a website's page where one-time codes are claimed"},
			&cli.BoolFlag{Name: "nex",
				Usage: "run the functions on a Nex node that is up (at NATSTER_NEX_URL), not here"},
			&cli.BoolFlag{Name: "tls-self-signed", Usage: "make a certificate instead, and print its fingerprint"},
		},
		Description: `Runs the NATS server, its accounts and natster's functions in one process, until Ctrl-C.
Everything is kept in the world's directory: the next devrun goes on where this one ended.

   natster devrun
   natster devrun --listen 0.0.0.0:7422 --tls-self-signed`,
		Action: args(0, 0, func(ctx context.Context, c *cli.Context, _ []string) error {
			dir, err := e.dirs.World(c.String("dir"))
			if err != nil {
				return err
			}
			hub, err := e.hubDir(dir, c.String("hub"))
			if err != nil {
				return err
			}
			var page *site.Site
			if at := c.String("web"); at != "off" {
				if page, err = site.Listen(at, ""); err != nil {
					return err
				}
			}
			claims := cmp.Or(c.String("claim-url"), page.ClaimURL())
			w, err := embedded.Start(ctx, embedded.Config{
				Dir: dir, HubDir: hub, Listen: c.String("listen"), WebSocket: c.String("websocket"),
				TLSCert: c.String("tls-cert"), TLSKey: c.String("tls-key"), SelfSigned: c.Bool("tls-self-signed"),
				ClaimURL: claims, Version: readVersion().semantic(),
				Elsewhere: c.Bool("nex"),
				Notify:    e.notice,
				Logger:    e.logger(),
			})
			if errors.Is(err, world.ErrRunning) {
				err = hint.Add(err, "init NAME")
			}
			if err != nil {
				return errors.Join(err, page.Stop())
			}
			elsewhere := func(context.Context) error { return nil }
			if c.Bool("nex") {
				if elsewhere, err = e.onNode(ctx, dir, claims); err != nil {
					return errors.Join(err, page.Stop(), w.Stop(context.WithoutCancel(ctx)))
				}
			}
			if err = page.Start(ctx, dir, site.Options{Logger: e.logger()}); err == nil {
				// A world runs also if its address cannot be written; that is the error in the end.
				_ = e.PrintLine(devrunResult{w.Info(), page.URL(), page.OpenURL()},
					func() { e.printWorld(w, dir, page.OpenURL()) })
				err = page.Wait(ctx)
				e.Say("\nending…")
			}
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
			defer cancel()
			return errors.Join(err, page.Stop(), elsewhere(ending), w.Stop(ending))
		}),
	}
}

// A devrunResult is the world that devrun runs, and its website.
type devrunResult struct {
	world.Info
	Web  string `json:"web_url,omitempty"`
	Open string `json:"web_open_url,omitempty"` // for a browser: it may sign in under any name
}

// hubDir is the directory of the hub's catalog: the one asked for, or one in the world's directory, with sample media
// in it.
func (e *env) hubDir(dir, asked string) (string, error) {
	if asked != "" {
		return filepath.Abs(asked)
	}
	dir = filepath.Join(dir, "hub", "media")
	repaired, err := sample.Restore(dir)
	if len(repaired) > 0 {
		e.notice(embedded.Notice{
			Happened: fmt.Sprintf("%s in %s had changed, and is natster's own again: %s",
				term.Count(len(repaired), "sample file"), dir, strings.Join(repaired, ", ")),
			Do: "for files of yours: natster devrun --hub DIR",
		})
	}
	return dir, err
}

// notice prints what the operator of a world should know: what happened, and what to do.
func (e *env) notice(n embedded.Notice) {
	e.Note("%s %s", e.Err.Bold("natster:"), term.OneLine(n.Happened))
	if n.Do != "" {
		e.Note("  to do: %s", term.OneLine(n.Do))
	}
}

func (e *env) printWorld(w *embedded.World, dir, page string) {
	i := w.Info()
	functions := hint.Names(w.Functions(), functionName)
	slices.Sort(functions)
	e.Say("%s", e.Out.Bold("Natster's world is running; Ctrl-C ends it."))
	e.Say("")
	if page != "" {
		e.Say("  website     %s", e.Out.Bold(page))
		e.Say("              %s", e.Out.Dim("yours alone: whoever has this address signs in under any name"))
	}
	e.Say("  natster     %s", i.URL)
	e.Say("  browsers    %s", i.WebSocketURL)
	if i.Fingerprint != "" {
		e.Say("  certificate %s", i.Fingerprint)
	}
	e.Say("  directory   %s", dir)
	e.Say("  keys        %s  %s", filepath.Join(dir, "keys"), e.Out.Dim("all accounts and their users; private"))
	e.Say("  hub         %s  %s", w.HubDir(), e.Out.Dim("catalog "+i.HubCatalog.String()+", which everybody is given"))
	e.Say("  accounts    global %s", i.Global)
	e.Say("              hub    %s", i.Hub)
	e.Say("              site   %s", i.Site)
	lines := wrap(strings.Join(functions, " "), e.helpWidth()-14)
	e.Say("  functions   %s", term.Block(strings.Join(lines, "\n              ")))
	e.Say("")
	next := "natster init NAME"
	if usual, err := e.dirs.World(""); err != nil || usual != dir {
		next += " --world " + term.ShellWord(dir)
	}
	e.Say("Next, in another terminal: %s", e.Out.Bold(next))
}

// onNode runs the functions of the world in dir on a Nex node that is up, and returns what stops them there.
func (e *env) onNode(ctx context.Context, dir, claimURL string) (stop func(context.Context) error, err error) {
	to, err := e.nexletDir("NATSTER_CREDS_DIR", "creds")
	if err != nil {
		return nil, err
	}
	fns, err := world.Export(ctx, dir, to, claimURL)
	if err != nil {
		return nil, err
	}
	nc, err := e.dialNex("", "")
	if err != nil {
		return nil, err
	}
	n, err := nex.New(nex.Config{Conn: nc})
	if err != nil {
		return nil, err
	}
	stop = func(ctx context.Context) error {
		defer nc.Close()
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		_, err := n.Down(ctx, hint.Names(fns, functionName), nex.Options{})
		if errors.Is(err, nex.ErrNotFound) || errors.Is(err, nex.ErrNoNode) {
			return nil // they were stopped by another command, or with their node
		}
		return err
	}
	if _, err := n.Up(ctx, nex.Wants(fns), e.reporting(nex.Options{})); err != nil {
		return nil, errors.Join(err, stop(context.WithoutCancel(ctx)))
	}
	return stop, nil
}
