package accounts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"
)

// DefaultPort is where a world's NATS server takes connections, unless it is told otherwise or, on one machine, another
// program has the port.
const DefaultPort = 7422

// A Dial connects to the running server with the credentials and options given. Its error may be any; the Operator adds
// ErrNotRunning.
type Dial func(ctx context.Context, creds Creds, options ...nats.Option) (*nats.Conn, error)

// updateSubject is where a server with a full resolver takes an account's JWT, from users of the system account.
const updateSubject = "$SYS.REQ.CLAIMS.UPDATE"

// editTimeout bounds an edit whose context has no deadline: a server on this machine answers in milliseconds.
const editTimeout = 10 * time.Second

// pushPermissions are all that the Operator's own user may do. It is a user of the system account.
func pushPermissions() Permissions {
	return Permissions{Publish: []string{updateSubject}, Subscribe: []string{nats.InboxPrefix + ">"}}
}

// A server is the running server, to which changed accounts are sent. Nil is none; to send to it does nothing.
type server struct{ conn *nats.Conn }

func (o *Operator) reach(ctx context.Context) (*server, error) {
	if o.dial == nil {
		return nil, nil
	}
	system, err := o.keys.account(o.known.System)
	if err != nil {
		return nil, err
	}
	creds, err := system.creds(keeperUser)
	if err != nil {
		return nil, err
	}
	nc, err := o.dial(ctx, creds, nats.NoReconnect())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotRunning, err)
	}
	return &server{nc}, nil
}

func (s *server) close() {
	if s != nil {
		s.conn.Close()
	}
}

// push sends r's JWT and returns when the server has applied it, on disk and to its connections.
func (s *server) push(ctx context.Context, r record) error {
	if s == nil {
		return nil
	}
	m, err := s.conn.RequestWithContext(ctx, updateSubject, []byte(r.JWT))
	if errors.Is(err, nats.ErrMaxPayload) {
		return fmt.Errorf("%w: account %s: its JWT has %d bytes, more than a message holds: too many imports",
			ErrRefused, r.Account, len(r.JWT))
	}
	if err != nil {
		return fmt.Errorf("%w: tell the server of account %s: %w", ErrNotRunning, r.Account, err)
	}
	var reply struct {
		Data *struct {
			Code int `json:"code"`
		} `json:"data"`
		Error *struct {
			Description string `json:"description"`
		} `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &reply); err != nil {
		return fmt.Errorf("%w: account %s: unreadable answer: %w", ErrRefused, r.Account, err)
	}
	switch {
	case reply.Error != nil:
		return fmt.Errorf("%w: account %s: %s", ErrRefused, r.Account, reply.Error.Description)
	case reply.Data == nil || reply.Data.Code != http.StatusOK:
		return fmt.Errorf("%w: account %s: no confirmation", ErrRefused, r.Account)
	}
	return nil
}
