package cli

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"

	"natster/deploy/accounts"
)

func logoutCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "logout",
		Usage:     "end all web sessions of this account",
		Category:  categoryStart,
		ArgsUsage: "--web",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "web", Usage: "yes, on the website, wherever it is signed in"},
		},
		Description: `Takes the right to act as this account back from every browser that was linked with natster login. They are cut off
at once, mid-film included; to come back, each needs a new code.

   natster logout --web`,
		Action: args(0, 0, func(ctx context.Context, c *cli.Context, _ []string) error {
			if !c.Bool("web") {
				return misused(c.Command, "--web is missing: there is no other session to end")
			}
			me, err := e.me()
			if err != nil {
				return err
			}
			keeper, err := me.webKeeper()
			if err != nil {
				return err
			}
			n, err := keeper.RevokeWebKeys(ctx, me.Account)
			if err != nil {
				return err
			}
			return e.print(map[string]int{"ended": n}, func() {
				if n == 0 {
					e.say("no login on the website is linked to %s", e.out.bold(me.AccountName))
					return
				}
				e.say("every web session of %s has ended; %s revoked", e.out.bold(me.AccountName), count(n, "login code"))
			})
		}),
	}
}

// errNoWebKeys means that the keys of an account cannot be changed from here.
var errNoWebKeys = errors.New("this account's keys are not kept on this machine, so it cannot give web sessions")

// webKeeper gives and takes web sessions of c's account.
func (c Context) webKeeper() (accounts.WebKeeper, error) {
	keeper, err := c.keeper()
	if err != nil {
		return nil, err
	}
	w, ok := keeper.(accounts.WebKeeper)
	if !ok {
		return nil, errNoWebKeys
	}
	return w, nil
}
