package nex

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"natster/workloads/nexlet/spec"
	"natster/workloads/nexlet/wire"
)

// DefaultNamespace is where Natster's workloads are unless somebody says otherwise.
const DefaultNamespace = "natster"

// Config says whom a Client speaks to and how long it waits. Only Conn is required.
type Config struct {
	Conn      *nats.Conn // to the NATS that Nex runs on; stays the caller's to close
	Namespace string     // DefaultNamespace if empty
	Type      string     // of workloads; spec.Type if empty
	Waits     Waits
}

// Waits bound what a Client waits for. A zero field means its default.
type Waits struct {
	First    time.Duration // for the first reply to a question that many may answer: 1 s
	Quiet    time.Duration // after the last of them: 400 ms
	Complete time.Duration // for the answers of all nodes that are known to be there: 3 s; one with a dead agent takes 2 s
	Deploy   time.Duration // for the answer to a deploy: 10 s; a node takes one at a time
	Ready    time.Duration // for a workload to do what it is for: 30 s
	Poll     time.Duration // between looks meanwhile: 200 ms
}

func (w Waits) withDefaults() Waits {
	return Waits{
		First:    cmp.Or(w.First, time.Second),
		Quiet:    cmp.Or(w.Quiet, 400*time.Millisecond),
		Complete: cmp.Or(w.Complete, 3*time.Second),
		Deploy:   cmp.Or(w.Deploy, 10*time.Second),
		Ready:    cmp.Or(w.Ready, 30*time.Second),
		Poll:     cmp.Or(w.Poll, 200*time.Millisecond),
	}
}

// A Client controls Nex nodes. Its methods may be called concurrently.
type Client struct {
	nc        *nats.Conn
	namespace string
	kind      string
	waits     Waits
}

// New returns a client that has not spoken with anybody yet.
func New(c Config) (*Client, error) {
	c.Namespace, c.Type = cmp.Or(c.Namespace, DefaultNamespace), cmp.Or(c.Type, spec.Type)
	switch {
	case c.Conn == nil:
		return nil, errors.New("nex: no connection")
	case !wire.IsToken(c.Namespace):
		return nil, fmt.Errorf("namespace %q: it has to be one word without dots and wildcards", c.Namespace)
	}
	return &Client{nc: c.Conn, namespace: c.Namespace, kind: c.Type, waits: c.Waits.withDefaults()}, nil
}

// Namespace is the namespace that the client works in.
func (c *Client) Namespace() string { return c.namespace }
