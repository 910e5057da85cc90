package accounts

import (
	"errors"
	"log/slog"
	"time"

	"natster/events"
)

// WellKnown are the accounts that a world has before it has any user.
type WellKnown struct {
	System events.Account `json:"system"` // the NATS server's own: may change accounts
	Global events.Account `json:"global"` // what every account imports; it passes requests on
	Data   events.Account `json:"data"`   // JetStream: event log, projections
	Feed   events.Account `json:"feed"`   // the function feed's: every account imports what it is told from it
	Hub    events.Account `json:"hub"`    // shares a catalog with every account; otherwise a user like any other
	Site   events.Account `json:"site"`   // the website; may claim one-time codes, otherwise a user like any other
}

// A Known is an account as the operator keeps it.
type Known struct {
	Account events.Account
	Name    string
	JWT     string // public: keys, exports, imports and limits, signed by the operator
}

const (
	systemAccount = "sys"
	globalAccount = "global"
	dataAccount   = "data"
	feedAccount   = "feed"
	hubAccount    = "hub"
	siteAccount   = "site"

	// OwnerUser is the user of an enrolled account who may do everything in it.
	OwnerUser = "owner"

	// AdminUser is the user of the account that owns JetStream who may do everything in it.
	AdminUser = "admin"

	keeperUser = "keeper" // of the system account: pushes JWTs
)

// Accounts lists all accounts, the world's own among them, and those that it cannot read.
func (o *Operator) Accounts() ([]Known, []*Damaged, error) {
	keys, err := o.keys.all()
	if err != nil {
		return nil, nil, err
	}
	var all []Known
	var damaged []*Damaged
	for _, a := range keys {
		r, err := o.keys.account(a)
		if d, ok := errors.AsType[*Damaged](err); ok {
			damaged = append(damaged, d)
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		all = append(all, Known{Account: r.Account, Name: r.Name, JWT: r.JWT})
	}
	return all, damaged, nil
}

// Damaged is the error about an account whose file can be read, and turns out to be damaged.
func (o *Operator) Damaged(a Known) *Damaged {
	return &Damaged{Account: a.Account, Name: a.Name, File: o.keys.file(a.Account)}
}

// An Enrolment is an account, and the credentials of the user who may do everything in it.
type Enrolment struct {
	Account events.Account
	Name    string
	Creds   Creds
}

// An Import is one catalog that an account imports, and what it is called there: the first part of its subjects that
// tells one import from another.
type Import struct {
	Catalog events.Catalog `json:"catalog"` // at its owner's
	Owner   events.Account `json:"owner"`
	As      events.Catalog `json:"as"` // in the importing account
}

// Permissions are what a user may do inside its account. The zero value permits nothing.
type Permissions struct {
	// All permits everything in the account and makes the other fields meaningless.
	All bool `json:"all,omitempty"`
	// Publish and Subscribe are the subjects permitted; they may have wildcards. Nothing else is.
	Publish   []string `json:"publish,omitempty"`
	Subscribe []string `json:"subscribe,omitempty"`
	// Responses is how often the user may answer each message that it receives, on whatever reply subject the message
	// has.
	Responses int `json:"responses,omitempty"`
	// ResponseTime bounds how late an answer may be; 0 is two minutes, the server's default.
	ResponseTime time.Duration `json:"response_time,omitempty"`
}

// Creds is the content of a NATS credentials file: a user JWT and the seed that proves it. It hides itself from fmt and
// slog.
type Creds []byte

// String does not show the credentials.
func (Creds) String() string { return "[credentials]" }

// GoString does not show the credentials.
func (c Creds) GoString() string { return c.String() }

// LogValue does not show the credentials.
func (c Creds) LogValue() slog.Value { return slog.StringValue(c.String()) }

// The errors that a caller can distinguish.
var (
	ErrName = errors.New("not a name for an account (1 to 64 letters, digits, '.', '-' and '_', starting " +
		"with a letter or digit)")
	ErrReservedName   = errors.New("a name that every world uses for its own accounts")
	ErrUnknownAccount = errors.New("no such account in this world")
	ErrConflict       = errors.New("another catalog is imported by that name")
	ErrOwnCatalog     = errors.New("an account's own catalog needs no import")
	ErrNotImported    = errors.New("no catalog is imported by that name")
	ErrNotRunning     = errors.New("the world is not running (start it with: natster devrun)")
	ErrNoWorld        = errors.New("no world here")
	ErrRefused        = errors.New("the NATS server refused the account's new JWT")
)
