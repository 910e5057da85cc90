package nex

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"natster/workloads/nexlet/wire"
)

// DefaultNamespace is the Nex namespace of Natster's workloads.
const DefaultNamespace = "natster"

// Config configures a Client. Only Conn is required.
type Config struct {
	Conn      *nats.Conn // to the NATS that Nex runs on; the caller closes it
	Namespace string     // DefaultNamespace if empty
	Waits     Waits      // how long it waits
}

// firstTimeout is how long a Client waits for the first reply to a request that many may answer.
const firstTimeout = time.Second

// Waits are the other timeouts of a Client. A zero field means its default.
type Waits struct {
	Quiet    time.Duration // for another reply after it: 400 ms
	Complete time.Duration // for the answers of all known nodes: 3 s; one with a dead agent takes 2 s
	Deploy   time.Duration // for the answer to a deploy: 10 s; a node takes one at a time
	Ready    time.Duration // for a workload to be ready: 30 s
	Poll     time.Duration // between checks whether it is: 200 ms
}

func (w Waits) withDefaults() Waits {
	return Waits{
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
	waits     Waits
}

// New returns a client. It sends nothing yet.
func New(c Config) (*Client, error) {
	c.Namespace = cmp.Or(c.Namespace, DefaultNamespace)
	switch {
	case c.Conn == nil:
		return nil, errors.New("nex: no connection")
	case !wire.IsToken(c.Namespace):
		return nil, fmt.Errorf("namespace %q: it has to be one word without dots and wildcards", c.Namespace)
	}
	return &Client{nc: c.Conn, namespace: c.Namespace, waits: c.Waits.withDefaults()}, nil
}

// Namespace returns the namespace that the client works in.
func (c *Client) Namespace() string { return c.namespace }
