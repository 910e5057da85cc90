package functions_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
	"natster/internal/test/functionstest"
)

// A hearer hears events, and has nothing to close.
type hearer struct{ functions.NoClose }

func (hearer) hear(context.Context, events.Envelope) error { return nil }

// Credentials that were made of an older declaration are noticed at the start, not by the first caller.
func TestCredentialsThatDoNotPermitWhatIsDeclared(t *testing.T) {
	echo := functionstest.Handler(func(_ context.Context, _ *functions.Call, q word) (word, error) { return q, nil })
	box := view.Bucket{Name: "box", Doc: "of a test"}
	older := functions.Function{
		Name: "clerk", Doc: "of a test", Triggers: []functions.Trigger{functions.Request(probe, echo)},
		New: func(context.Context, functions.Host) (functions.Instance, error) { return hearer{}, nil },
	}
	newer := func(change func(*functions.Function)) functions.Function {
		f := older
		change(&f)
		return f
	}
	trigger := func(t functions.Trigger) functions.Function {
		return newer(func(f *functions.Function) { f.Triggers = append(f.Triggers[:1:1], t) })
	}
	all := trigger(functions.OnEvent(hearer.hear))
	all.Access.Writes = []view.Bucket{box}
	w, _ := bare(t, all)
	accounts, err := w.Keeper().Functions(t.Context(), []functions.Function{older})
	if err != nil {
		t.Fatal(err)
	}
	creds := accounts[older.Name]
	connect := func(ctx context.Context, options ...nats.Option) (*nats.Conn, error) {
		return w.ConnectAs(ctx, creds, options...)
	}
	for name, row := range map[string]struct {
		f   functions.Function
		err error // nil: it runs until it is stopped
	}{
		"none is new": {newer(func(*functions.Function) {}), nil},
		"a request": {trigger(functions.Request(api.Endpoint[word, word]{Name: "probe2"}, echo)),
			functions.ErrPermissions},
		"the log":      {all, functions.ErrPermissions},
		"a bucket put": {newer(func(f *functions.Function) { f.New = putting(box) }), functions.ErrPermissions},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context()) // without a deadline, as hosts have it
			defer cancel()
			ready := false
			err := functions.Serve(ctx, row.f, functions.Config{Deadline: time.Second}, connect,
				func(*functions.Runner) {
					ready = true
					cancel()
				})
			if !errors.Is(err, row.err) || ready != (row.err == nil) {
				t.Errorf("ready %v, ended with %v, want %v", ready, err, row.err)
			}
		})
	}
}

// putting is New of a function that puts what nobody permitted it to.
func putting(b view.Bucket) func(context.Context, functions.Host) (functions.Instance, error) {
	return func(_ context.Context, h functions.Host) (functions.Instance, error) {
		return functions.NoClose{}, h.Conn.Publish(b.Subject("key"), nil)
	}
}
