package nexlet

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"natster/functions"
)

// EnvCreds is the variable of a sealed environment that has the content of a credentials file, in place of the nexlet's
// own.
const EnvCreds = "NATSTER_CREDS"

// A functionRun runs one instance of a function, on a connection of its own under the function's own user.
type functionRun struct {
	n   *Nexlet
	w   *workload
	env map[string]string

	triggers string // for the list
	runner   atomic.Pointer[functions.Runner]
}

func (r *functionRun) name() string { return r.w.start.Function }

func (r *functionRun) check() error {
	f, err := r.n.function(r.name())
	if err != nil {
		return err
	}
	var all []string
	for _, t := range f.Triggers {
		all = append(all, string(t.Kind)+" "+t.Name)
	}
	r.triggers = strings.Join(all, ", ")
	_, err = r.creds()
	return err
}

func (r *functionRun) creds() ([]byte, error) {
	if sealed := r.env[EnvCreds]; sealed != "" {
		return []byte(sealed), nil
	}
	return r.n.cfg.Keys.Function(r.name())
}

func (r *functionRun) run(ctx context.Context, ready func()) error {
	creds, err := r.creds()
	if err != nil {
		return err
	}
	// Each instance has a Function of its own: what its Open keeps is not shared.
	f, err := r.n.function(r.name())
	if err != nil {
		return err
	}
	nc, err := r.n.cfg.Dial(ctx, creds, nats.Name("nexlet "+f.Name), nats.CustomInboxPrefix(f.InboxPrefix()),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			r.w.log.Error("refused by natster's NATS", "err", err)
		}))
	if err != nil {
		return fmt.Errorf("connect to natster: %w", err)
	}
	defer nc.Close()
	deadline, err := r.w.start.Config.Times()
	if err != nil {
		return err
	}
	config := functions.Config{
		Conn:     nc,
		Version:  r.n.cfg.Version,
		Logger:   r.w.log,
		Deadline: deadline,
		Observe:  r.w.meter.observe,
	}
	if c := r.w.start.Config; c != nil {
		config.Most = c.Most
	}
	runner, err := functions.NewRunner(f, config)
	if err != nil {
		return err
	}
	r.runner.Store(runner)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- r.w.contain(func() error { return runner.Run(ctx) }) }()
	select {
	case <-runner.Ready():
	case err := <-ended:
		return err
	}
	// A subscription that is not permitted is refused late, and to nobody: ask what the server thought of them all.
	if err := nc.FlushTimeout(flushTimeout); err != nil {
		r.w.log.Warn("natster's NATS is slow", "err", err)
	}
	if err := nc.LastError(); errors.Is(err, nats.ErrPermissionViolation) {
		stop()
		return errors.Join(fmt.Errorf("the credentials of function %s do not permit what it declares; make new ones with natster admin creds: %w", r.name(), err), <-ended)
	}
	ready()
	return <-ended
}

func (r *functionRun) describe(meta map[string]string) {
	meta["function"] = r.name()
	meta["triggers"] = r.triggers
	if runner := r.runner.Load(); runner != nil {
		if n := runner.Stats().Poisoned; n > 0 {
			meta["poisoned"] = strconv.FormatUint(n, 10)
		}
	}
}

// function is a fresh function of that name.
func (n *Nexlet) function(name string) (functions.Function, error) {
	for _, f := range n.cfg.Functions() {
		if f.Name == name {
			return f, nil
		}
	}
	return functions.Function{}, errors.New("no function is called " + strconv.Quote(name))
}

func (n *Nexlet) functionNames() string {
	var names []string
	for _, f := range n.cfg.Functions() {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}
