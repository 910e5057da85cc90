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
	inTheClear int   // pieces found in what was sent in the clear on purpose
}

// mostSearched is how many bytes a tap looks at: more would only keep the demo waiting.
const mostSearched = 128 << 20

// Subjects of the tap's own.
const (
	tapClear = "demo.clear" // something in the clear, to see that the tap would find it
	tapEnd   = "demo.end"   // after this message all that was sent before it has been heard
)

// tap puts a tap on alice's account, looking for the files in dir.
func (d *demo) tap(ctx context.Context, dir string) (*tap, error) {
	nc, err := d.connect(ctx, "alice")
	if err != nil {
		return nil, err
	}
	t := &tap{nc: nc, ended: make(chan struct{})}
	if t.needle, err = newNeedle(dir); err == nil {
		var sub *nats.Subscription
		if sub, err = nc.Subscribe(">", t.hear); err == nil {
			err = sub.SetPendingLimits(-1, -1) // what is heard is what is downloaded; the search takes longer than that
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

// connect connects inside the process as the owner of an account of the demo.
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

// end takes the tap away after it has heard everything so far, and sample in the clear.
func (t *tap) end(ctx context.Context, sample []byte) error {
	defer t.nc.Close()
	for subject, data := range map[string][]byte{tapClear: sample} {
		if err := t.nc.Publish(subject, data); err != nil {
			return err
		}
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
