package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/user"
	"time"

	"github.com/urfave/cli/v2"

	"natster/cli/contexts"
	"natster/cli/hint"
	"natster/cli/term"
	"natster/deploy/accounts"
	"natster/deploy/world"
	"natster/events"
	"natster/functions/api"
)

func initCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "make an account in the world on this machine, or join one that is there",
		ArgsUsage: "[NAME]",
		Category:  categoryStart,
		Flags:     []cli.Flag{worldFlag()},
		Description: `Makes the account unless there is one by that name, introduces it to natster, writes a context,
and uses that from now on. The name is yours to choose; without one it is your user name. Those you share with, or
import from, are told it. Doing it again does no harm.

   natster init alice`,
		Action: args(0, 1, func(ctx context.Context, c *cli.Context, arg []string) error {
			dir, err := e.dirs.World(c.String("world"))
			if err != nil {
				return err
			}
			name, err := accountName(arg)
			if err != nil {
				return err
			}
			r, err := e.join(ctx, dir, name)
			if err != nil {
				return err
			}
			return e.Print(r, func() {
				since := "is ready"
				if r.Known {
					since = "has been ready since " + r.Since.Local().Format(time.DateTime)
				}
				e.Say("account %s %s", e.Out.Bold(r.Name), since)
				e.Say("  account  %s", r.Account)
				e.Say("  context  %s, in use now", r.Context)
				e.Say("  file     %s", r.File)
				if r.Before != "" && r.Before != r.Context {
					e.Say("\nBack to %s with: natster context use %s", r.Before, r.Before)
				}
				e.Say("\nNext: natster catalog new NAME DIR, or look what is there with: natster catalog inbox")
			})
		}),
	}
}

// An initResult is what init did.
type initResult struct {
	Name    string         `json:"name"`
	Account events.Account `json:"account"`
	Context string         `json:"context"`
	Before  string         `json:"context_before,omitempty"` // the one that was in use
	File    string         `json:"file"`
	Known   bool           `json:"known"` // whether it was introduced before
	Since   time.Time      `json:"since"`
}

// join enrols the account in the world in dir, writes a context for it and introduces it.
func (e *env) join(ctx context.Context, dir, name string) (initResult, error) {
	var r initResult
	store, err := e.contexts()
	if err != nil {
		return r, err
	}
	info, err := world.Find(dir)
	if err != nil {
		return r, err
	}
	keeper, err := world.OpenKeeper(dir)
	if err != nil {
		return r, err
	}
	me, err := e.newContext(store, name, dir, info)
	if err != nil {
		return r, err
	}
	enrolled, err := keeper.Enrol(ctx, name)
	if err != nil {
		return r, err
	}
	me.Account, me.AccountName = enrolled.Account, enrolled.Name
	r = initResult{Name: me.AccountName, Account: me.Account, Context: me.Name, File: store.Path(me.Name)}
	if r.Before, err = store.Current(); err != nil && !errors.Is(err, contexts.ErrNone) {
		return r, err
	}
	if err := store.Put(me, enrolled.Creds); err != nil {
		return r, err
	}
	known, fresh, position, err := introduce(ctx, me, enrolled.Creds)
	if err != nil {
		return r, err
	}
	if err := store.Remember(me, position); err != nil {
		return r, err
	}
	r.Known, r.Since = !fresh, time.Unix(known.Initialized, 0).UTC()
	return r, store.Use(me.Name)
}

// newContext returns a context for the account called name; its name is that of --context, or else the account's. A
// context of that name for another account or in another world is an error.
func (e *env) newContext(store *contexts.Store, name, dir string, info world.Info) (contexts.Context, error) {
	me := contexts.Context{Name: cmp.Or(e.named, name), URL: info.URL, Fingerprint: info.Fingerprint, World: dir}
	if err := contexts.CheckName(me.Name); err != nil {
		return me, err
	}
	old, err := store.Get(me.Name)
	if err == nil && (old.World != dir || old.AccountName != name) {
		err := fmt.Errorf("context %s is for account %s", old.Name, old.AccountName)
		if old.World != dir {
			err = fmt.Errorf("%w in another world (%s)", err, cmp.Or(old.World, old.URL))
		}
		return me, hint.Add(err, "--context NAME init %s", name)
	}
	return me, nil
}

// introduce introduces the account to the functions, unless they know it. It returns what they know of it, whether that
// is new, and the position of the log.
func introduce(
	ctx context.Context, c contexts.Context, creds accounts.Creds,
) (known api.Identity, fresh bool, position uint64, err error) {
	at, err := c.Where()
	if err != nil {
		return known, false, 0, err
	}
	nc, err := c.Connect(ctx, at, creds)
	if err != nil {
		return known, false, 0, err
	}
	defer nc.Close()
	client := api.NewClient(nc)
	known, err = client.Whoami(ctx)
	if !errors.Is(err, api.ErrNotFound) && (err != nil || !known.Account.IsZero()) {
		return known, false, client.Position(), err
	}
	err = client.Initialize(ctx, c.Account, c.Account.String(), c.AccountName)
	if err != nil && !errors.Is(err, api.ErrBadRequest) {
		return known, false, 0, err
	}
	known, err = client.Introduced(ctx)
	return known, true, client.Position(), err
}

func accountName(arg []string) (string, error) {
	if len(arg) > 0 {
		return arg[0], nil
	}
	u, err := user.Current()
	if err != nil {
		return "", fmt.Errorf("without a name for the account, your user name is needed: %w", err)
	}
	return u.Username, nil
}

func whoamiCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "whoami",
		Usage:    "show the account that you act as",
		Category: categoryStart,
		Description: `Shows the account of the context in use, and what natster's functions know of it.

   natster whoami
   natster --context bob whoami`,
		Action: e.online(0, 0, func(s *session, ctx context.Context, _ *cli.Context, _ []string) error {
			known, err := s.api.Whoami(ctx)
			if errors.Is(err, api.ErrNotFound) {
				return hint.Add(errors.New("this account has not been introduced yet"), "init %s", s.me.AccountName)
			}
			if err != nil {
				return err
			}
			return s.Print(struct {
				Context string         `json:"context"`
				Name    string         `json:"name"`
				Account events.Account `json:"account"`
				Since   time.Time      `json:"since"`
				OAuthID string         `json:"login,omitempty"`
				URL     string         `json:"url"`
				Notice  string         `json:"notice,omitempty"`
			}{
				s.me.Name, s.me.AccountName, known.Account, time.Unix(known.Initialized, 0).UTC(), known.OAuthID,
				s.nc.ConnectedUrl(), s.api.Notice(),
			}, func() {
				s.Say("%s", s.Out.Bold(s.me.AccountName))
				s.Say("  account  %s", known.Account)
				s.Say("  since    %s", time.Unix(known.Initialized, 0).Format(time.DateTime))
				s.Say("  context  %s", s.me.Name)
				s.Say("  world    %s", s.nc.ConnectedUrl())
				if known.OAuthID != "" {
					s.Say("  login    %s", term.Quoted(known.OAuthID))
				}
				if notice := s.api.Notice(); notice != "" {
					s.Say("  notice   %s", s.Out.Bold(term.OneLine(notice)))
				}
			})
		}),
	}
}
