package world

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"natster/deploy/accounts"
	"natster/events"
	"natster/functions/api"
)

// webUser is the user of the site's account that the website runs under.
const webUser = "website"

// webPermissions are all that the website may do: three requests to functions. It can read nothing of any account.
func webPermissions() accounts.Permissions {
	return accounts.Permissions{
		Publish:   []string{api.ClaimCode.Subject(), api.GetContext.Subject(), api.MintWeb.Subject()},
		Subscribe: []string{webInbox + ".>"},
	}
}

const webInbox = "_INBOX." + webUser

// Website connects as the website of the world in dir, which another process may run. The connection outlives restarts
// of the world.
func Website(ctx context.Context, dir string) (*nats.Conn, error) {
	info, err := Find(dir)
	if err != nil {
		return nil, err
	}
	keeper, err := OpenKeeper(dir)
	if err != nil {
		return nil, err
	}
	creds, err := keeper.User(ctx, info.Site, webUser, webPermissions())
	if err != nil {
		return nil, err
	}
	return info.Connect(ctx, creds, nats.Name(webUser), nats.CustomInboxPrefix(webInbox))
}

// importKeeper changes imports for the function authority. Its errors say what a caller may know.
type importKeeper struct{ dir string }

func (k importKeeper) Import(ctx context.Context, importer events.Account, i api.Import) error {
	return k.with(func(o *accounts.Operator) error { return o.Import(ctx, importer, accounts.Import(i)) })
}

func (k importKeeper) Unimport(ctx context.Context, importer events.Account, as events.Catalog) error {
	return k.with(func(o *accounts.Operator) error { return o.Unimport(ctx, importer, as) })
}

func (k importKeeper) Imports(ctx context.Context, importer events.Account) (all []api.Import, err error) {
	err = k.with(func(o *accounts.Operator) error {
		imports, err := o.Imports(ctx, importer)
		for _, i := range imports {
			if i.As == i.Catalog {
				i.As = events.Catalog{}
			}
			all = append(all, api.Import(i))
		}
		return err
	})
	return all, err
}

func (k importKeeper) with(do func(*accounts.Operator) error) error {
	o, err := OpenKeeper(k.dir)
	if err == nil {
		err = do(o)
	}
	for _, row := range []struct{ err, as error }{
		{accounts.ErrConflict, api.Errorf(api.ErrConflict, "you import another catalog by that name: "+
			"import this one under another, or take that one back first")},
		{accounts.ErrOwnCatalog, api.Errorf(api.ErrBadRequest, "your own catalog needs no import")},
		{accounts.ErrNotImported, api.Errorf(api.ErrNotFound, "no catalog of that name is imported")},
		{accounts.ErrUnknownAccount, api.Errorf(api.ErrNotFound, "this world has no such account")},
		{accounts.ErrNotRunning, api.Errorf(api.ErrUnavailable, "the accounts cannot be changed just now: try again")},
	} {
		if errors.Is(err, row.err) {
			return fmt.Errorf("%w: %w", row.as, err)
		}
	}
	return err
}
