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
They are cut off at once, mid-film included; to come back, each needs a new code.

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
			if err != nil {
				return err
			}
			return s.Print(map[string]int{"ended": n}, func() {
				who := s.Out.Bold(s.me.AccountName)
				if n == 0 {
					s.Say("no login on the website is linked to %s", who)
					return
				}
				s.Say("every web session of %s has ended; %s revoked", who, term.Count(n, "login code"))
			})
		}),
	}
}
