package demo

import (
	"context"
	"sync"

	"github.com/nats-io/nats.go"

	"natster/deploy/accounts"
	"natster/events"
)

// A tap hears every message in alice's account, which is what the server itself sees of her transfers, and looks for
// the plaintext of her files in each.
type tap struct {
	nc     *nats.Conn
	needle *needle
	ended  chan struct{}

	mu         sync.Mutex
	messages   int
	bytes      int64
	media      int64 // bytes in media messages
	searched   int64 // bytes looked at, up to mostSearched
	plaintext  int   // pieces of files found in them
	inTheClear int   // pieces found in what was sent in the clear for a test
}

// mostSearched is how many bytes a tap looks at: more would only make the demo slower.
const mostSearched = 128 << 20

// Subjects that the tap sends to itself.
const (
	tapClear = "demo.clear" // media in the clear, to see that the tap finds it
	tapEnd   = "demo.end"   // the last message: all before it were received
)

// tap starts a tap on alice's account that looks for the files in dir.
func (d *demo) tap(ctx context.Context, dir string) (*tap, error) {
	nc, err := d.connect(ctx, "alice")
	if err != nil {
		return nil, err
	}
	t := &tap{nc: nc, ended: make(chan struct{})}
	if t.needle, err = newNeedle(dir); err == nil {
		var sub *nats.Subscription
		if sub, err = nc.Subscribe(">", t.hear); err == nil {
			err = sub.SetPendingLimits(-1, -1) // the search is slower than the download
		}
	}
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	return t, nil
}

// connect connects as the owner of an account of the demo.
func (d *demo) connect(ctx context.Context, name string) (*nats.Conn, error) {
	enrolled, err := d.world.Keeper().Enrol(ctx, name)
	if err != nil {
		return nil, err
	}
	return d.world.Info().Connect(ctx, accounts.Creds(enrolled.Creds), nats.Name("demo"))
}

func (t *tap) hear(m *nats.Msg) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch m.Subject {
	case tapEnd:
		close(t.ended)
	case tapClear:
		t.inTheClear += t.needle.count(m.Data)
	default:
		t.messages++
		t.bytes += int64(len(m.Data))
		if events.IsMedia(m.Subject) {
			t.media += int64(len(m.Data))
		}
		if t.searched += int64(len(m.Data)); t.searched <= mostSearched {
			t.plaintext += t.needle.count(m.Data)
		}
	}
}

// end ends the tap after it has received everything so far, and then sample in the clear.
func (t *tap) end(ctx context.Context, sample []byte) error {
	defer t.nc.Close()
	if err := t.nc.Publish(tapClear, sample); err != nil {
		return err
	}
	if err := t.nc.Publish(tapEnd, nil); err != nil {
		return err
	}
	select {
	case <-t.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
