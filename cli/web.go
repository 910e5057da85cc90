package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"natster/cli/site"
	"natster/workloads/web"
)

func webCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "web",
		Usage:    "serve the website of a world on this machine",
		Category: categoryStart,
		Flags: []cli.Flag{
			worldFlag(),
			&cli.StringFlag{Name: "listen", Usage: "`HOST:PORT` to serve on", DefaultText: site.DefaultAddress},
			&cli.StringFlag{Name: "url", Usage: "`URL` that browsers use, where a proxy stands before it"},
			&cli.StringFlag{Name: "issuer",
				Usage: "`URL` of the OpenID Connect issuer; or a development issuer, on loopback"},
			&cli.StringFlag{Name: "client-id", Usage: "the site's `ID` at the issuer"},
			&cli.StringFlag{Name: "client-secret-file", Usage: "`FILE` with the site's secret at the issuer"},
		},
		Description: `Serves the page on which people browse, watch and save what is shared with them. devrun brings one
along for this machine; this one is for other addresses, and for a real sign-in. Beyond this machine browsers insist on
https: put a proxy before it, name its address with --url, and tell the world where codes are claimed with devrun
--claim-url URL/claim.

   natster web
   natster web --listen 127.0.0.1:8000 --url https://natster.example \
       --issuer https://id.example --client-id natster --client-secret-file SECRET`,
		Action: args(0, 0, func(ctx context.Context, c *cli.Context, _ []string) (err error) {
			dir, err := e.dirs.World(c.String("world"))
			if err != nil {
				return err
			}
			o := site.Options{Issuer: c.String("issuer"), Client: web.Client{ID: c.String("client-id")},
				Logger: e.logger()}
			if f := c.String("client-secret-file"); f != "" {
				secret, err := os.ReadFile(f)
				if err != nil {
					return fmt.Errorf("the client's secret: %w", err)
				}
				o.Client.Secret = strings.TrimSpace(string(secret))
			}
			s, err := site.Listen(c.String("listen"), c.String("url"))
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Stop()) }()
			if err := s.Start(ctx, dir, o); err != nil {
				return err
			}
			// As in devrun: a site serves also if its address cannot be written.
			at := map[string]string{"url": s.URL(), "open_url": s.OpenURL(), "claim_url": s.ClaimURL()}
			_ = e.PrintLine(at, func() {
				e.Say("The website is at %s; Ctrl-C ends it.", e.Out.Bold(s.OpenURL()))
				if o.Issuer == "" {
					e.Say("%s", e.Out.Dim("Whoever has this address can sign in, under any name: keep it to yourself."))
				}
				e.Say("\nLink a login to an account with: %s", e.Out.Bold("natster login"))
			})
			return s.Wait(ctx)
		}),
	}
}
