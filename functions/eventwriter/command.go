package eventwriter

import (
	"encoding/json"
	"strings"

	"natster/events"
	"natster/functions/api"
	"natster/internal/brief"
)

// A Command is a well-formed request for an event. Whether it may be is for [Decide].
type Command struct {
	Type    events.Type
	Origin  events.Account
	Target  events.Account
	Catalog events.Catalog
	Name    string           // of Initialized: what the account calls itself
	ID      string           // of Initialized: what its keeper calls it
	Bound   events.BoundData // of Bound
}

// maxLabel bounds the names that an account gives itself, in bytes.
const maxLabel = 128

// fromClient reads a command that account by asks for over `events.put`. All errors are [api.ErrBadRequest], but for
// data that claims another account, which is [api.ErrForbidden].
func fromClient(by events.Account, q api.PutRequest) (Command, error) {
	if by.IsZero() {
		return Command{}, api.Errorf(api.ErrForbidden, "events.put: the request does not come from an account")
	}
	switch t := events.Type(q.EventType); t {
	case events.Initialized, events.Shared, events.Unshared, events.Imported:
		return parse(by, t, q)
	case events.Bound, events.Claimed:
		return Command{}, api.Errorf(api.ErrBadRequest, "event type %s follows from other events: it cannot be put", t)
	case "":
		return Command{}, api.Errorf(api.ErrBadRequest, "event_type is missing")
	default:
		return Command{}, api.Errorf(api.ErrBadRequest, "unknown event type %.80q", q.EventType)
	}
}

// fromFunction reads a command that another function asks for over `natster.internal.events.<origin>.<type>`. NATS
// permissions have already decided which functions may say which subjects.
func fromFunction(subject string, q api.PutRequest) (Command, error) {
	rest := strings.TrimPrefix(subject, events.InternalSubject("events."))
	origin, t, _ := strings.Cut(rest, ".")
	by, err := events.ParseAccount(origin)
	if err != nil {
		return Command{}, api.Errorf(api.ErrBadRequest, "origin: %v", err)
	}
	switch t := events.Type(t); t {
	case events.Initialized, events.Shared, events.Unshared, events.Bound:
		return parse(by, t, q)
	}
	return Command{}, api.Errorf(api.ErrBadRequest, "event type %.80q is not for functions", t)
}

func parse(by events.Account, t events.Type, q api.PutRequest) (Command, error) {
	c := Command{Type: t, Origin: by}
	switch t {
	case events.Initialized:
		return c.initialized(q)
	case events.Bound:
		if err := json.Unmarshal(q.Data, &c.Bound); err != nil || c.Bound.OAuthID == "" || c.Bound.ContextRef == "" {
			return Command{}, api.Errorf(api.ErrBadRequest, "data must hold oauth_id and context_ref")
		}
		return c, nil
	}
	switch {
	case q.Catalog == "":
		return Command{}, api.Errorf(api.ErrBadRequest, "catalog is missing")
	case q.Target == "":
		return Command{}, api.Errorf(api.ErrBadRequest, "target is missing")
	}
	var err error
	if c.Catalog, err = events.ParseCatalog(q.Catalog); err != nil {
		return Command{}, api.Errorf(api.ErrBadRequest, "catalog %v", err)
	}
	if c.Target, err = events.ParseAccount(q.Target); err != nil {
		return Command{}, api.Errorf(api.ErrBadRequest, "target %v", err)
	}
	if c.Target == by {
		return Command{}, api.Errorf(api.ErrBadRequest, "that is your own account: a catalog is shared between two")
	}
	return c, nil
}

func (c Command) initialized(q api.PutRequest) (Command, error) {
	if q.Catalog != events.None || q.Target != events.None {
		return Command{}, api.Errorf(api.ErrBadRequest,
			"catalog and target of %s must be the word %q", c.Type, events.None)
	}
	if len(q.Data) == 0 {
		return Command{}, api.Errorf(api.ErrBadRequest, "data is missing: account_id, account_name, account_key")
	}
	var d events.InitializedData
	if err := json.Unmarshal(q.Data, &d); err != nil {
		return Command{}, api.Errorf(api.ErrBadRequest, "data: %v", err)
	}
	if d.AccountKey != c.Origin {
		return Command{}, api.Errorf(api.ErrForbidden,
			"data claims to be account %s, but NATS says it is %s", d.AccountKey, c.Origin)
	}
	if !label(d.AccountName) || !label(d.AccountID) {
		return Command{}, api.Errorf(api.ErrBadRequest,
			"account_name and account_id are at most %d bytes of text that can be seen", maxLabel)
	}
	c.ID, c.Name = d.AccountID, d.AccountName
	return c, nil
}

// label reports whether an account can call itself s, or nothing if s is empty.
func label(s string) bool { return s == "" || len(s) <= maxLabel && brief.Shows(s) }
