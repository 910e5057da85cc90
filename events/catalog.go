package events

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"natster/internal/brief"
)

// MaxCatalogName is the longest catalog name, in bytes. The wire sets no limit; a subject and an import's name want
// one.
const MaxCatalogName = 64

// ErrCatalogName is wrapped by every error about text that is not a valid catalog name.
var ErrCatalogName = fmt.Errorf("not a catalog name (1 to %d letters and digits; %q is reserved)", MaxCatalogName, None)

// ErrReserved is wrapped, beside [ErrCatalogName], when the name is well formed but reserved.
var ErrReserved = errors.New("reserved name")

// A Catalog is the name of a catalog: letters and digits, case-sensitive, one subject token. The zero value is no
// catalog. Names are unique per owner: two accounts may have a catalog of one name, and what says which is meant names
// its owner, too.
type Catalog struct{ name string }

// ParseCatalog returns the catalog called s, or an error that wraps [ErrCatalogName].
func ParseCatalog(s string) (Catalog, error) {
	if len(s) == 0 || len(s) > MaxCatalogName {
		return Catalog{}, fmt.Errorf("%q: %w", brief.Clip(s), ErrCatalogName)
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return Catalog{}, fmt.Errorf("%q: %w", brief.Clip(s), ErrCatalogName)
		}
	}
	if s == None {
		return Catalog{}, fmt.Errorf("%q: %w: %w", s, ErrCatalogName, ErrReserved)
	}
	return Catalog{s}, nil
}

// A Reservation keeps a catalog's name for one account: the hub's for the hub. The zero value keeps nothing.
type Reservation struct {
	Catalog Catalog
	For     Account
}

// Bars reports whether account a may not call a catalog c, in capitals or not: a name that only looks like the reserved
// one would be taken for it.
func (r Reservation) Bars(a Account, c Catalog) bool {
	return !r.Catalog.IsZero() && a != r.For && strings.EqualFold(r.Catalog.name, c.name)
}

// String is the name, or the empty string for the zero value.
func (c Catalog) String() string { return c.name }

// IsZero reports whether c is the zero value, which stands for no catalog.
func (c Catalog) IsZero() bool { return c.name == "" }

// MarshalText is the name, or nothing for the zero value.
func (c Catalog) MarshalText() ([]byte, error) { return []byte(c.name), nil }

// UnmarshalText accepts a name or nothing; anything else is refused with [ErrCatalogName].
func (c *Catalog) UnmarshalText(text []byte) error { return unmarshal(c, text, ParseCatalog) }

func (c Catalog) token() string { return cmp.Or(c.name, None) }
