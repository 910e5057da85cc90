package accounts

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/nats-io/jwt/v2"

	"natster/events"
)

// Import lets importer use a catalog. To import it again is not an error, and as something else renames it: a zero As
// is what it is called already, or else its name at its owner's. It fails with ErrConflict when As stands for another
// catalog in importer, with ErrOwnCatalog when importer is the owner, and with ErrUnknownAccount.
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
	_, err := o.change(ctx, importer, func(_ *record, claims *jwt.AccountClaims) error {
		return addImport(claims, importer, i)
	})
	if err != nil {
		return fmt.Errorf("import %s from %s: %w", i.Catalog, i.Owner, err)
	}
	return nil
}

// addImport imports i, in place of the import of the same catalog under another name.
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

// Unimport removes the import that is called as in importer. It fails with ErrNotImported and ErrUnknownAccount.
func (o *Operator) Unimport(ctx context.Context, importer events.Account, as events.Catalog) error {
	_, err := o.change(ctx, importer, func(_ *record, claims *jwt.AccountClaims) error {
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
	if err != nil {
		return fmt.Errorf("unimport %s: %w", as, err)
	}
	return nil
}

// Imports lists the catalogs that importer imports, ordered by name. It needs no running server. It fails with
// ErrUnknownAccount.
func (o *Operator) Imports(_ context.Context, importer events.Account) ([]Import, error) {
	_, claims, err := o.read(importer)
	if err != nil {
		return nil, err
	}
	all, err := catalogsOf(claims)
	slices.SortFunc(all, func(a, b Import) int { return cmp.Compare(a.As.String(), b.As.String()) })
	return all, err
}

// offersCatalogs returns an error for an account that is not in this world, or has nothing to import.
func (o *Operator) offersCatalogs(owner events.Account) error {
	_, claims, err := o.read(owner)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(claims.Exports, func(e *jwt.Export) bool { return e.Subject == events.CatalogExport }) {
		return ErrUnknownAccount
	}
	return nil
}
