package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/skip2/go-qrcode"
	"github.com/urfave/cli/v2"

	"natster/cli/term"
	"natster/deploy/accounts"
	"natster/events"
	"natster/functions/api"
	"natster/functions/websessions"
)

func loginCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "login",
		Usage:    "get a one-time code for the website",
		Category: categoryStart,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "qrcode", Usage: "show the address as a QR code too"},
		},
		Description: `Prints a code that ties this account to a login on the website, once. Nobody needs to see it but
you. What the website can do then, and for how long, stays yours: natster logout --web ends it.

   natster login --qrcode`,
		Action: e.online(0, 0, func(s *session, ctx context.Context, c *cli.Context, _ []string) error {
			key, err := s.webKey(ctx)
			if err != nil {
				return err
			}
			otc, err := s.api.GenerateCode(ctx, api.Context{
				AccountID: s.me.Account.String(), AccountName: s.me.AccountName, AccountPublicKey: s.me.Account,
				WebKey: key,
			})
			if err != nil {
				return err
			}
			where := cmp.Or(otc.ClaimURL, otc.Code) // a world without a website has no such URL
			picture, err := qrCode(where, c.Bool("qrcode"))
			if err != nil {
				return err
			}
			expires := time.Now().Add(time.Duration(otc.ValidMinutes) * time.Minute)
			return s.Print(struct {
				Code    string    `json:"code"`
				URL     string    `json:"claim_url,omitempty"`
				Expires time.Time `json:"expires"`
			}{otc.Code, otc.ClaimURL, expires.UTC().Truncate(time.Second)}, func() {
				s.Say("code   %s", s.Out.Bold(otc.Code))
				if otc.ClaimURL != "" {
					s.Say("claim  %s", otc.ClaimURL)
				}
				s.Say("valid  %s, until %s, once", term.Count(otc.ValidMinutes, "minute"),
					expires.Format(time.TimeOnly))
				if picture != "" {
					s.Say("\n%s", term.Block(picture))
				}
			})
		}),
	}
}

// webKey returns a new scoped signing key of the account, sealed so that only the function that makes web sessions can
// use it. If the functions make none, or the account's keys are not on this machine, it is empty, and a login only
// shows who it is.
func (s *session) webKey(ctx context.Context) (string, error) {
	x, err := api.Call(ctx, s.api, api.WebXKey, api.None{})
	if errors.Is(err, api.ErrUnavailable) || s.me.World == "" {
		s.Note("the website can show who you are, but not act as you: web sessions are not made here")
		return "", nil
	}
	if err != nil {
		return "", err
	}
	keeper, err := s.me.Keeper()
	if err != nil {
		return "", err
	}
	seed, err := keeper.AddWebKey(ctx, s.me.Account)
	if err != nil {
		return "", err
	}
	defer clear(seed)
	return websessions.SealKey(x.XKey, s.me.Account, seed)
}

func qrCode(text string, wanted bool) (string, error) {
	if !wanted {
		return "", nil
	}
	q, err := qrcode.New(text, qrcode.Low)
	if err != nil {
		return "", fmt.Errorf("make a QR code: %w", err)
	}
	return q.ToSmallString(false), nil
}

func logoutCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "logout",
		Usage:     "end all web sessions of this account",
		Category:  categoryStart,
		ArgsUsage: "--web",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "web", Usage: "yes, on the website, wherever it is signed in"},
		},
		Description: `Takes the right to act as this account back from every browser that was linked with natster login.
They are cut off at once, mid-film included; to come back, each needs a new code. What they can have done is said, too.

   natster logout --web`,
		Before: func(c *cli.Context) error {
			if c.NArg() == 0 && !c.Bool("web") {
				return misused(c.Command, "--web is missing: there is no other session to end")
			}
			return nil
		},
		Action: e.offline(0, 0, func(s *session, ctx context.Context, _ *cli.Context, _ []string) error {
			keeper, err := s.me.Keeper()
			if err != nil {
				return err
			}
			n, err := keeper.RevokeWebKeys(ctx, s.me.Account)
			if errors.Is(err, accounts.ErrNotRunning) {
				return fmt.Errorf("no login was ended: %w", accounts.ErrNotRunning)
			}
			if err != nil {
				return err
			}
			given, err := s.given(ctx)
			if err != nil {
				s.Note("what you share now could not be listed: %s", term.OneLine(err.Error()))
			}
			return s.Print(logoutResult{n, []givenShare{}, given}, func() {
				who := s.Out.Bold(s.me.AccountName)
				if n == 0 {
					s.Say("no login on the website is linked to %s", who)
					return
				}
				s.Say("every web session of %s has ended; %s revoked", who, term.Count(n, "login code"))
				s.Say("shared by them: nothing; a web session cannot share, only take back and import")
				if len(given) == 0 {
					return
				}
				s.Say("what you share now, from terminals or with a natster that let web sessions share:")
				for _, x := range given {
					s.Say("  %s with %s", x.Catalog, s.contacts.Name(x.With))
				}
				s.Say("%s", s.Out.Dim("to take one back: "+s.typed("catalog unshare CATALOG ACCOUNT")))
			})
		}),
	}
}

// A logoutResult is what logout --web ended, and what may have been done by that. The event log does not say which user
// of an account did something; what web sessions share needs no mark in it, because NATS lets them share nothing.
type logoutResult struct {
	Ended  int          `json:"ended"`
	Shared []givenShare `json:"shared"` // by web sessions
	Given  []givenShare `json:"given"`  // what the account shares now
}

type givenShare struct {
	Catalog events.Catalog `json:"catalog"`
	With    events.Account `json:"to"`
}

// given is what the account shares with others now.
func (s *session) given(ctx context.Context) ([]givenShare, error) {
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	all, err := s.api.Shares(ctx)
	given := []givenShare{}
	for _, x := range all {
		if x.From == s.me.Account {
			given = append(given, givenShare{x.Catalog, x.To})
		}
	}
	return given, err
}
