package functions_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"natster/events"
	"natster/functions"
	"natster/functions/view"
)

// A clerk is an instance with a handler of each kind.
type clerk struct{ closed chan struct{} }

func (c *clerk) Close() error { close(c.closed); return errClosed }

var errClosed = errors.New("closed badly")

func (c *clerk) answer(_ context.Context, _ *functions.Call, q word) (word, error) { return q, nil }
func (c *clerk) hear(context.Context, events.Envelope) error                       { return nil }
func (c *clerk) ahead(_ context.Context, after uint64) (uint64, error)             { return after, nil }
func (c *clerk) notice(context.Context, functions.Change) error                    { return nil }

func TestHandlersAreMethodsOfTheInstance(t *testing.T) {
	shelf := view.Bucket{Name: "shelf", Doc: "of a test"}
	triggers := []functions.Trigger{
		functions.Request(probe, (*clerk).answer),
		functions.OnLog((*clerk).hear, (*clerk).ahead),
		functions.OnKey(shelf, (*clerk).notice),
	}
	all := functions.Function{Name: "clerk", Doc: "of a test", Triggers: triggers}
	w, _ := bare(t, all)
	nc, err := w.Admin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	for name, test := range map[string]struct {
		triggers []functions.Trigger
		instance functions.Instance
		err      error  // nil: it runs
		says     string // the error
	}{
		"all its own": {triggers, &clerk{make(chan struct{})}, errClosed, "closed badly"},
		"another's request": {triggers[:1], functions.NoClose{}, functions.ErrDeclaration,
			"a method of *functions_test.clerk, and New returned functions.NoClose"},
		"another's event": {triggers[1:2], functions.NoClose{}, functions.ErrDeclaration, "trigger log"},
		"another's key":   {triggers[2:], functions.NoClose{}, functions.ErrDeclaration, "trigger shelf"},
		"nothing":         {triggers, nil, functions.ErrDeclaration, "no instance"},
	} {
		t.Run(name, func(t *testing.T) {
			f := all
			f.Triggers = test.triggers
			f.New = func(context.Context, functions.Host) (functions.Instance, error) { return test.instance, nil }
			r, err := functions.NewRunner(f, functions.Config{Conn: nc})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- r.Run(ctx) }()
			select {
			case <-r.Ready():
				cancel()
				err = <-ended
			case err = <-ended:
				cancel()
			}
			if !errors.Is(err, test.err) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("it ended with %v", err)
			}
			if c, ok := test.instance.(*clerk); ok {
				<-c.closed
			}
		})
	}
}
