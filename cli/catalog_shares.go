package cli

import (
	"context"

	"github.com/urfave/cli/v2"
)

func catalogSharesCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:  "shares",
		Usage: "list what you share, and what is shared with you",
		Description: `   natster catalog shares
   natster catalog shares --json`,
		Action: e.online(0, 0, func(ctx context.Context, s *session, _ *cli.Context, _ []string) error {
			shares, err := s.api.Shares(ctx)
			if err != nil {
				return err
			}
			return s.print(sharesAsJSON(shares), func() {
				t := table{head: []string{"CATALOG", "FROM", "TO", "ONLINE", "IMPORTED"}}
				for _, x := range shares {
					t.row(x.Catalog.String(), s.who(x.From), s.who(x.To), yes(x.Online, "yes"), yes(x.Imported, "yes"))
				}
				s.printTable(t, "nothing is shared yet; share with: natster catalog share CATALOG ACCOUNT")
			})
		}),
	}
}
