package nextest

import (
	"context"
	"encoding/base64"
	"os"
	"os/exec"
	"strings"
	"sync"
)

// An Agent is a program that a node starts, with this environment and no other, and starts again when it ends.
type Agent interface {
	// start starts it. Its end closes the channel; interrupt asks for it, kill does it.
	start(env map[string]string, parent func() int) (ended <-chan struct{}, interrupt, kill func(), err error)
}

// Func is an agent inside the test's process. It ends when ctx does; parent is what it would see as its parent process.
type Func func(ctx context.Context, getenv func(string) string, parent func() int) error

func (f Func) start(env map[string]string, parent func() int) (<-chan struct{}, func(), func(), error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = f(ctx, func(k string) string { return env[k] }, parent) // its error is in its own log
	}()
	return ended, cancel, cancel, nil
}

// Program is an agent that is a process of its own. It is called for each start.
type Program func() *exec.Cmd

func (p Program) start(env map[string]string, _ func() int) (<-chan struct{}, func(), func(), error) {
	cmd := p()
	for k, v := range env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, nil, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // that it ended is what counts: it may have been killed
	}()
	signal := func(s os.Signal) func() {
		return func() { _ = cmd.Process.Signal(s) } // it may have ended
	}
	return ended, signal(os.Interrupt), signal(os.Kill), nil
}

// A Child is a local agent: one id, however often it is started.
type Child struct {
	ID string

	mu       sync.Mutex
	parent   int
	stopped  bool   // no more restarts
	ask, end func() // interrupt and kill
	starts   int
	done     chan struct{}
}

// Kill kills the agent. Its node starts it again, under its old id, as often as it may.
func (c *Child) Kill() {
	c.mu.Lock()
	end := c.end
	c.mu.Unlock()
	end()
}

// interrupt ends the agent as its node does when it ends itself.
func (c *Child) interrupt() {
	c.mu.Lock()
	c.stopped = true
	ask := c.ask
	c.mu.Unlock()
	ask()
}

// Starts is how often it was started.
func (c *Child) Starts() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.starts
}

// Done is closed when it runs no more and is not started again.
func (c *Child) Done() <-chan struct{} { return c.done }

// orphan is what happens when the node dies: nobody starts it again, and its parent is another.
func (c *Child) orphan() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped, c.parent = true, 1
}

func (n *Node) adoptChild(a Agent) {
	n.t.Helper()
	const nodeProcess = 4711
	c := &Child{ID: n.nextID(), parent: nodeProcess, done: make(chan struct{}), ask: func() {}, end: func() {}}
	env := n.childEnv(c.ID)
	ended, err := c.launch(a, env)
	if err != nil {
		n.t.Fatalf("node: start an agent: %v", err)
	}
	n.mu.Lock()
	n.children = append(n.children, c)
	n.mu.Unlock()
	go func() {
		defer close(c.done)
		for restarts := 0; ; restarts++ {
			<-ended
			if restarts == n.cfg.Restarts {
				return
			}
			if ended, err = c.launch(a, env); err != nil || ended == nil {
				return
			}
		}
	}()
}

// launch starts the agent, unless the node is ending.
func (c *Child) launch(a Agent, env map[string]string) (<-chan struct{}, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return nil, nil
	}
	ended, interrupt, kill, err := a.start(env, func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.parent
	})
	if err != nil {
		return nil, err
	}
	c.starts++
	c.ask, c.end = interrupt, kill
	return ended, nil
}

// childEnv is all that an agent's environment has of a node. All eight are always set.
func (n *Node) childEnv(id string) map[string]string {
	d := n.cfg.Mint.Registration(n, id)
	return map[string]string{
		"NEX_AGENT_NATS_SERVERS":   strings.Join(d.Servers, ","),
		"NEX_AGENT_NATS_USER_SEED": d.Seed,
		"NEX_AGENT_NATS_B64_JWT":   base64.StdEncoding.EncodeToString([]byte(d.JWT)),
		"NEX_AGENT_NATS_USER":      d.User,
		"NEX_AGENT_NATS_PASSWORD":  d.Password,
		"NEX_AGENT_NATS_USER_NKEY": d.NKey,
		"NEX_AGENT_NODE_ID":        n.ID,
		"NEX_AGENT_ASSIGNED_ID":    id,
	}
}
