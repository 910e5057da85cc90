package accounts

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"natster/events"

	"github.com/nats-io/jwt/v2"
)

// Import implements Keeper.
func (o *Operator) Import(ctx context.Context, importer events.Account, c events.Catalog, owner events.Account) error {
	if c.IsZero() {
		return fmt.Errorf("import: %w", events.ErrCatalogName)
	}
	if importer == owner {
		return fmt.Errorf("import %s: %w", c, ErrOwnCatalog)
	}
	// An import from an account that does not exist would be stored and silently do nothing.
	if err := o.offersCatalogs(owner); err != nil {
		return fmt.Errorf("import %s from %s: %w", c, owner, err)
	}
	err := o.locked(ctx, func(ctx context.Context, s *server) error {
		_, err := o.edit(ctx, s, importer, func(_ *record, claims *jwt.AccountClaims) error {
			from, err := importedFrom(claims, c)
			if err != nil {
				return err
			}
			if !from.IsZero() && from != owner {
				return fmt.Errorf("%w (%s; take it back first with: natster catalog unimport %s)", ErrConflict, from, c)
			}
			for _, i := range catalogImports(importer, c, owner) {
				setImport(claims, i)
			}
			return nil
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("import %s from %s: %w", c, owner, err)
	}
	return nil
}

// Unimport implements Keeper.
func (o *Operator) Unimport(ctx context.Context, importer events.Account, c events.Catalog) error {
	err := o.locked(ctx, func(ctx context.Context, s *server) error {
		_, err := o.edit(ctx, s, importer, func(_ *record, claims *jwt.AccountClaims) error {
			from, err := importedFrom(claims, c)
			if err != nil {
				return err
			}
			if from.IsZero() {
				return ErrNotImported
			}
			for _, i := range catalogImports(importer, c, from) {
				dropImport(claims, i)
			}
			return nil
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("unimport %s: %w", c, err)
	}
	return nil
}

// Imports implements Keeper. It needs no running server.
func (o *Operator) Imports(_ context.Context, importer events.Account) ([]Import, error) {
	claims, err := o.accountClaims(importer)
	if err != nil {
		return nil, err
	}
	all, err := catalogsOf(claims)
	slices.SortFunc(all, func(a, b Import) int { return cmp.Compare(a.Catalog.String(), b.Catalog.String()) })
	return all, err
}

// offersCatalogs refuses an account that is none of ours, or has nothing to import.
func (o *Operator) offersCatalogs(owner events.Account) error {
	claims, err := o.accountClaims(owner)
	if err != nil {
		return err
	}
	for _, e := range claims.Exports {
		if string(e.Subject) == events.CatalogExport {
			return nil
		}
	}
	return ErrUnknownAccount
}

func (o *Operator) accountClaims(a events.Account) (*jwt.AccountClaims, error) {
	r, err := o.keys.account(a)
	if err != nil {
		return nil, err
	}
	claims, err := jwt.DecodeAccountClaims(r.JWT)
	if err != nil {
		return nil, fmt.Errorf("accounts: the JWT of %s: %w", a, err)
	}
	return claims, nil
}
