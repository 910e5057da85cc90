package accounts

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/nats-io/jwt/v2"

	"natster/events"
)

// Import implements Keeper.
func (o *Operator) Import(ctx context.Context, importer events.Account, i Import) error {
	if i.Catalog.IsZero() {
		return fmt.Errorf("import: %w", events.ErrCatalogName)
	}
	if importer == i.Owner {
		return fmt.Errorf("import %s: %w", i.Catalog, ErrOwnCatalog)
	}
	// An import from an account that does not exist would be stored and silently do nothing.
	if err := o.offersCatalogs(i.Owner); err != nil {
		return fmt.Errorf("import %s from %s: %w", i.Catalog, i.Owner, err)
	}
	err := o.locked(ctx, func(ctx context.Context, s *server) error {
		_, err := o.edit(ctx, s, importer, func(_ *record, claims *jwt.AccountClaims) error {
			return addImport(claims, importer, i)
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("import %s from %s: %w", i.Catalog, i.Owner, err)
	}
	return nil
}

// addImport imports i, in the place of what the same catalog was imported as before.
func addImport(claims *jwt.AccountClaims, importer events.Account, i Import) error {
	all, err := catalogsOf(claims)
	if err != nil {
		return err
	}
	same := slices.IndexFunc(all, func(j Import) bool { return j.Catalog == i.Catalog && j.Owner == i.Owner })
	switch {
	case i.As.IsZero() && same >= 0:
		i.As = all[same].As
	case i.As.IsZero():
		i.As = i.Catalog
	}
	for _, j := range all {
		if j.As == i.As && (j.Catalog != i.Catalog || j.Owner != i.Owner) {
			return fmt.Errorf("%s stands for %s of %s here: %w", j.As, j.Catalog, j.Owner.Short(), ErrConflict)
		}
	}
	if same >= 0 && all[same].As != i.As {
		for _, old := range catalogImports(importer, all[same]) {
			dropImport(claims, old)
		}
	}
	for _, x := range catalogImports(importer, i) {
		setImport(claims, x)
	}
	return nil
}

// Unimport implements Keeper.
func (o *Operator) Unimport(ctx context.Context, importer events.Account, as events.Catalog) error {
	err := o.locked(ctx, func(ctx context.Context, s *server) error {
		_, err := o.edit(ctx, s, importer, func(_ *record, claims *jwt.AccountClaims) error {
			all, err := catalogsOf(claims)
			if err != nil {
				return err
			}
			at := slices.IndexFunc(all, func(i Import) bool { return i.As == as })
			if at < 0 {
				return ErrNotImported
			}
			for _, i := range catalogImports(importer, all[at]) {
				dropImport(claims, i)
			}
			return nil
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("unimport %s: %w", as, err)
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
	slices.SortFunc(all, func(a, b Import) int { return cmp.Compare(a.As.String(), b.As.String()) })
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
