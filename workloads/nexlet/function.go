package nexlet

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"natster/functions"
)

// A functionRun runs one instance of a function, on a connection of its own under the function's own user.
type functionRun struct {
	w        *workload
	triggers string // for the list
	runner   atomic.Pointer[functions.Runner]
}

func newFunctionRun(w *workload) (runnable, error) {
	f, err := w.n.function(w.start.Function)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, t := range f.Triggers {
		all = append(all, string(t.Kind)+" "+t.Name)
	}
	return &functionRun{w: w, triggers: strings.Join(all, ", ")}, nil
}

func (r *functionRun) check() error {
	_, err := r.w.creds()
	return err
}

func (r *functionRun) run(ctx context.Context, ready func()) error {
	creds, err := r.w.creds()
	if err != nil {
		return err
	}
	f, err := r.w.n.function(r.w.start.Function) // as it is declared now
	if err != nil {
		return err
	}
	config := functions.Config{Version: r.w.n.cfg.Version, Logger: r.w.log, Observe: r.w.meter.observe}
	if config.Deadline, config.MaxInFlight, err = r.w.start.Config.Limits(); err != nil {
		return err
	}
	connect := func(ctx context.Context, options ...nats.Option) (*nats.Conn, error) {
		nc, err := r.w.n.cfg.Dial(ctx, creds, append(options, nats.Name("nexlet "+f.Name))...)
		if err != nil {
			return nil, fmt.Errorf("connect to natster: %w", err)
		}
		return nc, nil
	}
	return functions.Serve(ctx, f, config, connect, func(runner *functions.Runner) {
		r.runner.Store(runner)
		ready()
	})
}

func (r *functionRun) describe(meta map[string]string) {
	meta["function"] = r.w.start.Function
	meta["triggers"] = r.triggers
	if runner := r.runner.Load(); runner != nil {
		if n := runner.Counts().Poisoned; n > 0 {
			meta["poisoned"] = strconv.FormatUint(n, 10)
		}
	}
}

func (n *Nexlet) function(name string) (functions.Function, error) {
	all, err := n.cfg.Functions()
	if err != nil {
		return functions.Function{}, err
	}
	names := make([]string, len(all))
	for i, f := range all {
		if f.Name == name {
			return f, nil
		}
		names[i] = f.Name
	}
	return functions.Function{}, fmt.Errorf("no function is called %q; this nexlet has %s",
		name, strings.Join(names, ", "))
}
