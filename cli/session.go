package cli

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v2"

	"natster/cli/contexts"
	"natster/cli/term"
	"natster/functions/api"
)

// A session is a command's connection as the account of its context. Close it after use.
type session struct {
	*env
	me       contexts.Context
	store    *contexts.Store
	contacts contexts.Contacts
	nc       *nats.Conn // nil if there is no connection
	api      *api.Client
	began    uint64 // position of the log when it began
}

// A sessionAction is an action that needs a connection.
type sessionAction func(ctx context.Context, s *session, c *cli.Context, arg []string) error

// online makes an action of f, and gives it a session that ends with it.
func (e *env) online(least, most int, f sessionAction) cli.ActionFunc {
	return args(least, most, func(ctx context.Context, c *cli.Context, arg []string) error {
		s, err := e.open(ctx)
		if err != nil {
			return err
		}
		defer s.close()
		return f(ctx, s, c, arg)
	})
}

// open connects as the account of the context.
func (e *env) open(ctx context.Context) (*session, error) {
	s, err := e.offline()
	if err == nil {
		err = s.connect(ctx)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// openAnyway is open for a command that can do without a connection: if the world cannot be reached there is none.
func (e *env) openAnyway(ctx context.Context) (*session, error) {
	s, err := e.offline()
	if err != nil {
		return nil, err
	}
	err = s.connect(ctx)
	if contexts.IsAbsent(err) {
		e.Note("%s", e.Err.Dim(term.OneLine(err.Error())))
		return s, nil
	}
	return s, err
}

// offline returns a session that is not connected yet.
func (e *env) offline() (*session, error) {
	store, err := e.contexts()
	if err != nil {
		return nil, err
	}
	me, err := e.me()
	if err != nil {
		return nil, err
	}
	contacts, err := store.Contacts()
	if err != nil {
		return nil, err
	}
	return &session{env: e, me: me, store: store, contacts: contacts}, nil
}

// connect connects s.
func (s *session) connect(ctx context.Context) error {
	creds, err := s.store.Creds(s.me)
	if err != nil {
		return err
	}
	if s.began, err = s.store.Recall(s.me); err != nil {
		return err
	}
	at, err := s.me.Where()
	s.contacts = s.contacts.WithHub(at.Hub)
	if err != nil {
		return err
	}
	if s.nc, err = s.me.Connect(ctx, at, creds); err != nil {
		return err
	}
	s.api = api.NewClient(s.nc)
	s.api.Observe(s.began)
	return nil
}

// close ends the session and keeps the position of the log that it has seen.
func (s *session) close() {
	if s.nc == nil {
		return
	}
	s.nc.Close()
	if p := s.api.Position(); p > s.began {
		if err := s.store.Remember(s.me, p); err != nil {
			s.Note("the position could not be remembered: %s", term.OneLine(err.Error()))
		}
	}
}

// contacts returns the names for accounts, for a command without a session. It needs no context.
func (e *env) contacts() (contexts.Contacts, error) {
	store, err := e.contexts()
	if err != nil {
		return nil, err
	}
	all, err := store.Contacts()
	if err != nil {
		return nil, err
	}
	if me, err := e.me(); err == nil {
		at, _ := me.Where() // a hub that is not known now has no name
		all = all.WithHub(at.Hub)
	}
	return all, nil
}

// typed returns a command line for a person to type that acts as the same context.
func (e *env) typed(format string, args ...any) string {
	line := "natster "
	if e.named != "" {
		line += "--context " + e.named + " "
	}
	return line + fmt.Sprintf(format, args...)
}
