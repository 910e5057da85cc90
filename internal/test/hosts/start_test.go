package hosts

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/deploy/nex"
	"natster/functions"
	"natster/internal/test/nexlettest"
	"natster/internal/test/nextest"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
	"natster/workloads/nexlet"
	"natster/workloads/nexlet/spec"
	"natster/workloads/nexlet/wire"
)

// hosts are all that run functions, each with the pauses that it has when natster runs it.
var hosts = map[string]starter{
	"the embedded world": inTheWorld,
	"a nexlet":           onANexlet,
}

// A starter starts a host of functions.
type starter func(t *testing.T, fns ...functions.Function) host

// A host runs functions, which all work.
type host struct {
	*worldtest.World
	log  func() []string // lines of warnings and errors, of the functions
	stop func()          // returns when no function runs any more
}

func inTheWorld(t *testing.T, fns ...functions.Function) host {
	w := worldtest.Start(t, worldtest.Running(fns...))
	log := w.Log
	return host{w, func() []string { return strings.Split(log(), "\n") }, func() { w.Stop(t) }}
}

func onANexlet(t *testing.T, fns ...functions.Function) host {
	const namespace = "functions"
	s := nexlettest.Start(t, func() []functions.Function { return fns })
	var mu sync.Mutex
	var log []string
	nc := s.NexConn()
	if _, err := nc.Subscribe(wire.Logs(namespace, "*", "stderr"), func(m *nats.Msg) {
		mu.Lock()
		defer mu.Unlock()
		log = append(log, string(m.Data))
	}); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	node := s.Node(nextest.Config{Agents: []nextest.Agent{s.Agent(func(c *nexlet.Config) { c.Pause = nil })}})
	c := s.Client(namespace)
	for _, f := range fns {
		d, err := c.Deploy(t.Context(), nex.Request{Name: f.Name, Start: spec.Start{Function: f.Name}})
		if err != nil {
			t.Fatal(err)
		}
		s.Running(c, d.ID, wire.Running)
	}
	return host{s.World, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(log)
	}, func() {
		node.Stop()
		wait.Receive(t, "the nexlet ends", node.Child(0).Done())
	}}
}
