package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v2"

	"natster/deploy/accounts"
	"natster/deploy/world"
	"natster/functions/api"
	"natster/internal/private"
)

// A session is a command's connection as the account of its context. Close it after use.
type session struct {
	*env
	me       Context
	contacts Contacts
	nc       *nats.Conn
	api      *api.Client
	began    uint64 // position when it began
}

// close ends the session and keeps the position that it has come to.
func (s *session) close() {
	if s.nc == nil {
		return
	}
	s.nc.Close()
	if p := s.api.Position(); p > s.began {
		if err := s.remember(s.me, p); err != nil {
			s.note("the position could not be remembered: %s", oneLine(err.Error()))
		}
	}
}

// online makes an action of f, which is given a session that ends with it.
func (e *env) online(least, most int, f func(ctx context.Context, s *session, c *cli.Context, arg []string) error) cli.ActionFunc {
	return args(least, most, func(ctx context.Context, c *cli.Context, arg []string) error {
		s, err := e.open(ctx)
		if err != nil {
			return err
		}
		defer s.close()
		return f(ctx, s, c, arg)
	})
}

// me is the context that this run acts as.
func (e *env) me() (Context, error) {
	s, err := e.contexts()
	if err != nil {
		return Context{}, err
	}
	if e.context == "" {
		if me, is, err := e.surrounded(s); is {
			return me, err
		}
	}
	return s.get(e.context)
}

// open connects as the account of the context.
func (e *env) open(ctx context.Context) (*session, error) {
	store, err := e.contexts()
	if err != nil {
		return nil, err
	}
	me, err := e.me()
	if err != nil {
		return nil, err
	}
	creds, err := store.creds(me)
	if err != nil {
		return nil, err
	}
	contacts, err := e.contacts()
	if err != nil {
		return nil, err
	}
	position, err := e.recall(me)
	if err != nil {
		return nil, err
	}
	nc, err := me.connect(ctx, creds)
	if err != nil {
		return nil, err
	}
	s := &session{e, me, contacts, nc, api.NewClient(nc), position}
	s.api.Observe(position)
	return s, nil
}

// openAnyway is open for a command that can do without a connection, should the world not be running: then there is none.
func (e *env) openAnyway(ctx context.Context) (*session, error) {
	s, err := e.open(ctx)
	if _, is := errors.AsType[*unreachable](err); !is && !errors.Is(err, accounts.ErrNotRunning) {
		return s, err
	}
	e.note("%s", e.err.dim(oneLine(err.Error())))
	me, err := e.me()
	if err != nil {
		return nil, err
	}
	contacts, err := e.contacts()
	return &session{env: e, me: me, contacts: contacts}, err
}

// keeper changes the account of c: its imports.
func (c Context) keeper() (accounts.Keeper, error) {
	if c.World == "" {
		return nil, fmt.Errorf("context %s has no world on this machine, and its account can be changed only there", c.Name)
	}
	return world.OpenKeeper(c.World)
}

// typed is a command line for a person to type that acts as this same context.
func (e *env) typed(format string, args ...any) string {
	line := "natster "
	if e.named != "" {
		line += "--context " + e.named + " "
	}
	return line + fmt.Sprintf(format, args...)
}

// positionGood is for how long a remembered position counts. No projection is that late; and a world that was set back to
// an older state, which never reaches the position, is usable again after it.
const positionGood = time.Minute

// positionFile keeps the highest position of a world's event log that any run of natster on this machine has seen, so that
// one command's query reflects what the command before it did, whichever account that was.
func (e *env) positionFile(me Context) (string, error) {
	data, err := e.dataDir()
	world := sha256.Sum256([]byte(me.World + "\x00" + me.URL))
	return filepath.Join(data, "positions", hex.EncodeToString(world[:8])), err
}

// recall is the position to ask for at least.
func (e *env) recall(me Context) (uint64, error) {
	path, err := e.positionFile(me)
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, nil
	case err != nil:
		return 0, err
	case time.Since(info.ModTime()) > positionGood:
		return 0, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	p, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0, nil // being written, or torn by a crash: it only makes answers fresher
	}
	return p, nil
}

// remember keeps position for the runs to come.
func (e *env) remember(me Context, position uint64) error {
	path, err := e.positionFile(me)
	if err != nil {
		return err
	}
	if err := private.Mkdir(filepath.Dir(path)); err != nil {
		return err
	}
	return os.WriteFile(path, strconv.AppendUint(nil, position, 10), private.FileMode)
}
