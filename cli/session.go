package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v2"

	"natster/cli/contexts"
	"natster/cli/term"
	"natster/functions/api"
)

// A session is what a command has that acts as the account of a context, connected or not. Close it after use.
type session struct {
	*env
	me       contexts.Context
	store    *contexts.Store
	files    catalogFiles
	contacts contexts.Contacts // from connect on
	blocked  contexts.Blocked  // likewise
	quiet    bool              // say nothing of what is left out
	nc       *nats.Conn        // nil if there is no connection
	api      *api.Client
	began    uint64 // position of the log when it began
}

// A sessionAction is an action that needs a session.
type sessionAction func(s *session, ctx context.Context, c *cli.Context, arg []string) error

// offline makes an action of f, and gives it a session that is not connected yet and ends with it.
func (e *env) offline(least, most int, f sessionAction) cli.ActionFunc {
	return args(least, most, func(ctx context.Context, c *cli.Context, arg []string) error {
		s, err := e.session()
		if err != nil {
			return err
		}
		defer s.close()
		return f(s, ctx, c, arg)
	})
}

// online makes an action of f, and gives it a session that is connected and ends with it.
func (e *env) online(least, most int, f sessionAction) cli.ActionFunc {
	return e.offline(least, most, func(s *session, ctx context.Context, c *cli.Context, arg []string) error {
		if err := s.connect(ctx); err != nil {
			return err
		}
		return f(s, ctx, c, arg)
	})
}

// session returns a session as the account that this run acts as. It is not connected yet.
func (e *env) session() (*session, error) {
	store, err := e.contexts()
	if err != nil {
		return nil, err
	}
	me, err := store.Acting(e.context)
	if err != nil {
		return nil, err
	}
	data, err := e.dirs.Data()
	files := catalogFiles{filepath.Join(data, me.Name, "catalogs"), e.dirs}
	return &session{env: e, me: me, store: store, files: files}, err
}

// connect connects s, unless it is. Without a connection s is as good as before.
func (s *session) connect(ctx context.Context) error {
	if s.nc != nil {
		return nil
	}
	contacts, err := s.store.Contacts()
	if err != nil {
		return err
	}
	if s.blocked, err = s.store.Blocked(); err != nil {
		return err
	}
	creds, err := s.store.Creds(s.me)
	if err != nil {
		return err
	}
	if s.began, err = s.store.Recall(s.me); err != nil {
		return err
	}
	at, err := s.me.Where()
	s.contacts = contacts.WithHub(at.Hub)
	if err != nil {
		return err
	}
	if s.nc, err = s.me.Connect(ctx, at, creds, s.troubles()); err != nil {
		return err
	}
	s.api = api.NewClient(s.nc)
	s.api.Observe(s.began)
	return nil
}

// troubles has what goes wrong on a connection later in a log for who asks for more (--verbose): what that keeps a
// command from, the command says.
func (e *env) troubles() nats.Option {
	log := e.logger()
	return nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		log.Debug("trouble with NATS", "err", err)
	})
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

// contacts returns the names for accounts, for a command without a connection. It needs no context.
func (e *env) contacts() (contexts.Contacts, error) {
	store, err := e.contexts()
	if err != nil {
		return nil, err
	}
	all, err := store.Contacts()
	if err != nil {
		return nil, err
	}
	if me, err := store.Acting(e.context); err == nil {
		at, _ := me.Where() // a hub that is not known now has no name
		all = all.WithHub(at.Hub)
	}
	return all, nil
}

// typed returns a command line for a person to type that acts as the same context.
func (e *env) typed(format string, args ...any) string {
	line := fmt.Sprintf(format, args...)
	if e.named != "" && !strings.HasPrefix(line, "--context ") {
		line = "--context " + e.named + " " + line
	}
	return "natster " + line
}
