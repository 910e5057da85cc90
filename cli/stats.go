package cli

import (
	"context"
	"strconv"

	"github.com/urfave/cli/v2"

	"natster/cli/term"
	"natster/events"
	"natster/functions"
)

func statsCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "stats",
		Usage:    "count accounts, catalogs that are being served, and shares; and what you may take",
		Category: categoryLook,
		Description: `Running totals over all accounts of the world, and the limits that each account has there, with
what yours has used of them where that is counted.

   natster stats`,
		Action: e.online(0, 0, func(s *session, ctx context.Context, _ *cli.Context, _ []string) error {
			t, err := s.api.Totals(ctx)
			if err != nil {
				return err
			}
			quotas := s.quotas(ctx, t.Limits)
			return s.Print(totalsResult{t.Accounts, t.Running, t.Shares, quotas}, func() {
				s.Say("accounts         %d", t.Accounts)
				s.Say("catalogs online  %d", t.Running)
				s.Say("shares           %d", t.Shares)
				if len(quotas) == 0 {
					return
				}
				s.Say("")
				all := term.Table{Head: []string{"YOURS", "USED", "MOST", "WHAT"}, End: []int{1, 2}}
				for _, q := range quotas {
					used := ""
					if q.Used != nil {
						used = strconv.Itoa(*q.Used)
					}
					all.Row(q.Name, used, strconv.FormatInt(q.Most, 10), q.doc)
				}
				s.Table(all)
			})
		}),
	}
}

// quotas are the limits that this version knows, with what the account has used of those that can be counted from here.
func (s *session) quotas(ctx context.Context, limits map[string]int64) []quotaResult {
	all := []quotaResult{}
	if len(limits) == 0 {
		return all
	}
	used, err := s.used(ctx)
	if err != nil && ctx.Err() == nil {
		s.Note("what you have used could not be counted: %v", err)
	}
	for _, l := range functions.DefaultLimits().All() {
		most, is := limits[l.Name]
		if !is {
			continue
		}
		q := quotaResult{Name: l.Name, Most: most, doc: l.Doc}
		if n, counted := used[l.Name]; counted {
			q.Used = &n
		}
		all = append(all, q)
	}
	return all
}

// used counts what the account has used, by the names of limits.
func (s *session) used(ctx context.Context) (map[string]int, error) {
	shares, err := s.api.Shares(ctx)
	if err != nil {
		return nil, err
	}
	given, names := 0, make(map[events.Catalog]bool)
	for _, x := range shares {
		if x.From == s.me.Account {
			given++
			names[x.Catalog] = true
		}
	}
	return map[string]int{"shares": given, "catalogs": len(names)}, nil
}
