package accounts

import (
	"errors"
	"log/slog"
	"time"

	"natster/events"
)

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
