package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// A Type says what happened. Types are past tense and, once logged, for ever.
type Type string

// The types of events. Clients put [Initialized], [Shared], [Unshared] and [Imported]; [Bound] follows from what
// functions decide and is never accepted from a client. [Claimed] is only in old logs, of when a name belonged to
// the account that was first to share a catalog by it; nothing follows from it any more.
const (
	Initialized Type = "natster_initialized" // an account began to use Natster
	Claimed     Type = "catalog_claimed"     // no longer written: a catalog name got its one owner
	Shared      Type = "catalog_shared"      // origin lets target import the catalog
	Unshared    Type = "catalog_unshared"    // origin no longer does
	Imported    Type = "catalog_imported"    // origin imported the catalog that target shares
	Bound       Type = "context_bound"       // origin's context was claimed for a web login
)

// ErrEvent is wrapped by every error about an event that is not well formed.
var ErrEvent = errors.New("not a natster event")

// An Event is one fact: at Time, Origin did what Type says, to Target and with Catalog where the type has them. It is
// complete in itself: what the log's subject says is said here too. It never holds a secret.
type Event struct {
	ID      string          `json:"-"`                // unique; the CloudEvents id and the Nats-Msg-Id
	Time    time.Time       `json:"-"`                // UTC; the only clock a projection may read
	Type    Type            `json:"type"`             //
	Origin  Account         `json:"origin,omitzero"`  // who; no account only for Claimed, whose owner is in its data
	Target  Account         `json:"target,omitzero"`  //
	Catalog Catalog         `json:"catalog,omitzero"` //
	Data    json.RawMessage `json:"data,omitempty"`   // InitializedData, ClaimedData or BoundData as JSON, by type
}

// An Envelope is an event and its place in the log.
type Envelope struct {
	Event
	Position uint64 // sequence in the stream NATSTER_EVENTS, from 1
}

// InitializedData is the data of an [Initialized] event.
//
//	{"account_id":"2bS…","account_name":"alice","account_key":"AAL…"}
type InitializedData struct {
	AccountID   string  `json:"account_id"`
	AccountName string  `json:"account_name"`
	AccountKey  Account `json:"account_key"`
}

// ClaimedData is the data of a [Claimed] event.
//
//	{"owner":"AAL…"}
type ClaimedData struct {
	Owner Account `json:"owner"`
}

// BoundData is the data of a [Bound] event: which login the account's context belongs to, and under which reference the
// sealed context is kept. The reference opens nothing by itself.
//
//	{"oauth_id":"github|123","context_ref":"c2f…"}
type BoundData struct {
	OAuthID    string `json:"oauth_id"`
	ContextRef string `json:"context_ref"`
}

// Check returns an error that wraps [ErrEvent] unless e has what its type needs, and nothing its type cannot have. An
// unknown type passes: it is from the future, and folds pass it over.
func (e Event) Check() error {
	want := func(origin, target, catalog bool) error {
		switch {
		case origin == e.Origin.IsZero():
			return fmt.Errorf("%w: %s: origin %q", ErrEvent, e.Type, e.Origin)
		case target == e.Target.IsZero():
			return fmt.Errorf("%w: %s: target %q", ErrEvent, e.Type, e.Target)
		case catalog == e.Catalog.IsZero():
			return fmt.Errorf("%w: %s: catalog %q", ErrEvent, e.Type, e.Catalog)
		}
		return nil
	}
	if e.ID == "" || e.Time.IsZero() {
		return fmt.Errorf("%w: %s: no id or no time", ErrEvent, e.Type)
	}
	switch e.Type {
	case "":
		return fmt.Errorf("%w: no type", ErrEvent)
	case Initialized, Bound:
		return want(true, false, false)
	case Claimed:
		return want(false, false, true)
	case Shared, Unshared, Imported:
		return want(true, true, true)
	}
	return nil
}

// DataAs decodes the event's data as D, the data type of e's type. The error wraps [ErrEvent].
func DataAs[D any](e Event) (D, error) {
	var d D
	if err := json.Unmarshal(e.Data, &d); err != nil {
		return d, fmt.Errorf("%w: %s: data: %w", ErrEvent, e.Type, err)
	}
	return d, nil
}

// WithData returns e with d as its data.
func WithData[D any](e Event, d D) Event {
	b, err := json.Marshal(d)
	if err != nil {
		panic("events: data cannot be encoded: " + err.Error()) // the data types above always can
	}
	e.Data = b
	return e
}
