package functions

import (
	"errors"
	"fmt"
	"strings"
)

// Limits bound, account by account, what one may take of what all accounts share. They are settings of a world. A field
// that is 0 is its default; [Limits.OrDefault] fills in all.
type Limits struct {
	Connections    int64 `json:"connections,omitempty"`
	Subscriptions  int64 `json:"subscriptions,omitempty"`
	Payload        int64 `json:"payload,omitempty"`
	Handlers       int64 `json:"handlers,omitempty"`
	Requests       int64 `json:"requests,omitempty"`
	RequestsAtOnce int64 `json:"requests_at_once,omitempty"`
	Changes        int64 `json:"changes,omitempty"`
	ChangesAtOnce  int64 `json:"changes_at_once,omitempty"`
	Beats          int64 `json:"heartbeats,omitempty"`
	BeatsAtOnce    int64 `json:"heartbeats_at_once,omitempty"`
	Shares         int64 `json:"shares,omitempty"`
	Catalogs       int64 `json:"catalogs,omitempty"`
	Codes          int64 `json:"codes,omitempty"`
	LogBytes       int64 `json:"log_bytes,omitempty"`
}

// A Limit is one of the limits, for people.
type Limit struct {
	Name    string `json:"name"` // as in the JSON of [Limits]
	Value   int64  `json:"value"`
	Default int64  `json:"default"`
	Doc     string `json:"doc"` // what it bounds, and in which unit
}

// limits is all that there is to say of each limit.
var limits = []struct {
	name        string
	field       func(*Limits) *int64
	normal      int64
	least, most int64
	doc         string
}{
	{"connections", func(l *Limits) *int64 { return &l.Connections }, 256, 8, 1 << 20,
		"connections of one account to NATS at a time, browsers among them"},
	{"subscriptions", func(l *Limits) *int64 { return &l.Subscriptions }, 2_000, 256, 1 << 24,
		"subscriptions of each connection of an account"},
	{"payload", func(l *Limits) *int64 { return &l.Payload }, 1 << 20, 1 << 19, 1 << 20,
		"bytes in one message of an account; no server takes more than the default"},
	{"handlers", func(l *Limits) *int64 { return &l.Handlers }, 8, 1, 256,
		"requests of one account that an instance of a function handles at a time; the others wait"},
	{"requests", func(l *Limits) *int64 { return &l.Requests }, 50, 8, 1 << 20,
		"requests of one account that an instance of a function handles per second in the long run; the others wait"},
	{"requests_at_once", func(l *Limits) *int64 { return &l.RequestsAtOnce }, 500, 64, 1 << 20,
		"the same at once, after a time of rest"},
	{"changes", func(l *Limits) *int64 { return &l.Changes }, 50, 1, 1 << 20,
		"shares, imports and the like of one account, and as many takings back, per second in the long run"},
	{"changes_at_once", func(l *Limits) *int64 { return &l.ChangesAtOnce }, 2_000, 1, 1 << 20,
		"the same at once, after a time of rest"},
	{"heartbeats", func(l *Limits) *int64 { return &l.Beats }, 20, 1, 1 << 20,
		"heartbeats of the catalogs of one account per second in the long run; a catalog sends two a minute"},
	{"heartbeats_at_once", func(l *Limits) *int64 { return &l.BeatsAtOnce }, 512, 1, 1 << 20,
		"the same at once, after a time of rest"},
	{"shares", func(l *Limits) *int64 { return &l.Shares }, 10_000, 1, 1 << 24,
		"shares of one account that are in force"},
	{"catalogs", func(l *Limits) *int64 { return &l.Catalogs }, 1_000, 1, 1 << 24,
		"catalogs that one account shares at a time"},
	{"codes", func(l *Limits) *int64 { return &l.Codes }, 5, 1, 1 << 10,
		"one-time codes of one account that are not claimed yet"},
	{"log_bytes", func(l *Limits) *int64 { return &l.LogBytes }, 4 << 30, 1 << 20, 1 << 50,
		"bytes of the event log, of all accounts together, from which on the operator is warned; nothing is refused"},
}

// DefaultLimits are the limits of a world that sets none: no person who shares with friends meets them.
func DefaultLimits() Limits { return Limits{}.OrDefault() }

// OrDefault returns l with the default for every limit that l does not set.
func (l Limits) OrDefault() Limits {
	for _, row := range limits {
		if f := row.field(&l); *f == 0 {
			*f = row.normal
		}
	}
	return l
}

// All lists the limits, each with the value that is in force.
func (l Limits) All() []Limit {
	l = l.OrDefault()
	all := make([]Limit, len(limits))
	for i, row := range limits {
		all[i] = Limit{Name: row.name, Value: *row.field(&l), Default: row.normal, Doc: row.doc}
	}
	return all
}

// OfAccount are the limits by name that concern each account: all but the one of the log, which is of all together.
func (l Limits) OfAccount() map[string]int64 {
	l = l.OrDefault()
	all := make(map[string]int64, len(limits))
	for _, row := range limits {
		if v := row.field(&l); v != &l.LogBytes {
			all[row.name] = *v
		}
	}
	return all
}

// ErrLimit is wrapped by the error about a limit that does not exist, or cannot be so.
var ErrLimit = errors.New("not a limit")

// Set returns l with another value for the limit called name; 0 is its default. The error wraps [ErrLimit].
func (l Limits) Set(name string, value int64) (Limits, error) {
	names := make([]string, len(limits))
	for i, row := range limits {
		if row.name == name {
			*row.field(&l) = value
			return l, l.Check()
		}
		names[i] = row.name
	}
	return l, fmt.Errorf("%w: %.40q; there are %s", ErrLimit, name, strings.Join(names, ", "))
}

// Check reports a limit that is out of its range; the error wraps [ErrLimit].
func (l Limits) Check() error {
	for _, row := range limits {
		if v := *row.field(&l); v != 0 && (v < row.least || v > row.most) {
			return fmt.Errorf("%w: %s is %d: it is at least %d and at most %d",
				ErrLimit, row.name, v, row.least, row.most)
		}
	}
	return nil
}
