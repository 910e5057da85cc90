package cli

import (
	"context"
	"errors"
	"time"

	"github.com/urfave/cli/v2"

	"natster/events"
	"natster/functions/api"
)

func whoamiCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "whoami",
		Usage:    "show the account that you act as",
		Category: categoryStart,
		Description: `Shows the account of the context in use, and what natster's functions know of it.

   natster whoami
   natster --context bob whoami`,
		Action: e.online(0, 0, func(ctx context.Context, s *session, _ *cli.Context, _ []string) error {
			known, err := s.api.Whoami(ctx)
			if errors.Is(err, api.ErrNotFound) {
				return hint(errors.New("this account has not been introduced yet"), "init %s", s.me.AccountName)
			}
			if err != nil {
				return err
			}
			return s.print(struct {
				Context string         `json:"context"`
				Name    string         `json:"name"`
				Account events.Account `json:"account"`
				Since   time.Time      `json:"since"`
				OAuthID string         `json:"login,omitempty"`
				URL     string         `json:"url"`
				Notice  string         `json:"notice,omitempty"`
			}{s.me.Name, s.me.AccountName, known.Account, time.Unix(known.Initialized, 0).UTC(), known.OAuthID, s.nc.ConnectedUrl(), s.api.Notice()}, func() {
				s.say("%s", s.out.bold(s.me.AccountName))
				s.say("  account  %s", known.Account)
				s.say("  since    %s", time.Unix(known.Initialized, 0).Format(time.DateTime))
				s.say("  context  %s", s.me.Name)
				s.say("  world    %s", s.nc.ConnectedUrl())
				if known.OAuthID != "" {
					s.say("  login    %s", quoted(known.OAuthID))
				}
				if notice := s.api.Notice(); notice != "" {
					s.say("  notice   %s", s.out.bold(oneLine(notice)))
				}
			})
		}),
	}
}
