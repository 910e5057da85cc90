package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"
)

// MaxLast is the most subjects that match one [Direct.Last]: the server's own bound on a multi-subject direct get.
const MaxLast = 1024

// headerPending says how many messages that match were left out of an answer.
const headerPending = "Nats-Num-Pending"

// headerUpTo is the last position of the state that was read, on the end of a batch.
const headerUpTo = "Nats-UpTo-Sequence"

// directSubject is the JetStream API's direct get; the stream's name follows.
const directSubject = "$JS.API.DIRECT.GET."

var (
	// ErrTooMany is returned by [Direct.Last] when more than [MaxLast] subjects match.
	ErrTooMany = errors.New("more subjects match than one read returns")
	// ErrStream is wrapped when a stream cannot be read: it does not exist, or nobody answers for it.
	ErrStream = errors.New("stream cannot be read")
)

// A Stored is one message as a stream keeps it.
type Stored struct {
	Subject  string
	Header   nats.Header // without what the read itself added
	Data     []byte
	Sequence uint64
	Time     time.Time
}

// Direct reads streams by JetStream's direct get: one request for any number of subjects, answered by the stream itself
// from one consistent state (the server lets no write in between). It needs no consumer, so a reader's permissions stay
// as small as the stream's name. One subscription serves all its reads. It is safe for concurrent use.
type Direct struct {
	nc     *nats.Conn
	prefix string
	sub    *nats.Subscription
	lost   chan nats.Status // tells that the connection was lost
	watch  sync.WaitGroup

	mu    sync.Mutex
	calls map[string]*call
}

type call struct {
	whole bool // all that matches must come in one answer
	got   []Stored
	upTo  uint64     // last position of the state that was read; 0 if nobody said
	done  chan error // one value: nil at the end of the batch
}

// NewDirect returns a reader over nc. Close it when done.
func NewDirect(nc *nats.Conn) (*Direct, error) {
	d := &Direct{nc: nc, prefix: nc.NewInbox() + ".", calls: make(map[string]*call)}
	sub, err := nc.Subscribe(d.prefix+"*", d.receive)
	if err != nil {
		return nil, fmt.Errorf("events: subscribe for reads: %w", err)
	}
	if err := sub.SetPendingLimits(-1, -1); err != nil { // what is asked for is bounded, so what is pending is
		return nil, errors.Join(err, sub.Unsubscribe())
	}
	d.sub = sub
	d.lost = nc.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	d.watch.Go(func() {
		for range d.lost {
			d.endAll(fmt.Errorf("%w: %w", ErrStream, nats.ErrDisconnected))
		}
	})
	return d, nil
}

// Close ends the subscription, and reads under way with an error.
func (d *Direct) Close() error {
	err := d.sub.Unsubscribe()
	d.nc.RemoveStatusListener(d.lost)
	d.watch.Wait()
	d.endAll(fmt.Errorf("%w: the reader was closed", ErrStream))
	return err
}

// endAll ends the reads under way: their answers went where the connection went, and waiting for them would be in vain.
func (d *Direct) endAll(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.calls {
		c.end(err)
	}
}

// Last returns the last message of each subject that the filters match (wildcards allowed), in order of sequence; none
// matching is no error. More than [MaxLast] is [ErrTooMany].
func (d *Direct) Last(ctx context.Context, stream string, filters ...string) ([]Stored, error) {
	c, err := d.get(ctx, stream, true, map[string]any{"multi_last": filters})
	return c.got, err
}

// behindPatience is how long replicas are given to catch up, which takes them milliseconds. A position that none has by then
// is no position of this stream.
const behindPatience = 500 * time.Millisecond

// LastSince is [Direct.Last] from a state that has at least the position, if any replica comes to have it. Any replica of a
// stream may answer a read, and one that is behind does not know what another has acknowledged already: it is asked again,
// and then perhaps another answers. A stream with one replica is never behind.
func (d *Direct) LastSince(ctx context.Context, stream string, position uint64, filters ...string) ([]Stored, error) {
	const first, most = time.Millisecond, 50 * time.Millisecond
	until := time.Now().Add(behindPatience)
	for pause := first; ; pause = min(2*pause, most) {
		c, err := d.get(ctx, stream, true, map[string]any{"multi_last": filters})
		if err != nil || c.upTo >= position || time.Now().After(until) {
			return c.got, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %s: %w", ErrStream, stream, ctx.Err())
		}
	}
}

// Range returns up to most messages whose subject matches filter, from sequence from on, in order. An empty result means
// that there are no more now. An empty filter is the whole stream, and the server reads that more than twice as fast as a
// filter that happens to match everything.
func (d *Direct) Range(ctx context.Context, stream, filter string, from uint64, most int) ([]Stored, error) {
	req := map[string]any{"seq": from, "batch": most, "max_bytes": 16 << 20}
	if filter != "" {
		req["next_by_subj"] = filter
	}
	c, err := d.get(ctx, stream, false, req)
	return c.got, err
}

// readTimeout is when a read counts as lost, with a connection for instance. A server at work answers in milliseconds.
const readTimeout = 10 * time.Second

func (d *Direct) get(ctx context.Context, stream string, whole bool, req map[string]any) (*call, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	body, err := json.Marshal(req)
	if err != nil {
		return &call{}, err
	}
	token := nuid.Next()
	c := &call{whole: whole, done: make(chan error, 1)}
	d.mu.Lock()
	d.calls[token] = c
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		delete(d.calls, token)
		d.mu.Unlock()
	}()
	if err := d.nc.PublishRequest(directSubject+stream, d.prefix+token, body); err != nil {
		return &call{}, fmt.Errorf("%w: %s: %w", ErrStream, stream, err)
	}
	select {
	case err := <-c.done:
		if err != nil {
			return &call{}, fmt.Errorf("%s: %w", stream, err)
		}
		return c, nil
	case <-ctx.Done():
		return &call{}, fmt.Errorf("%w: %s: %w", ErrStream, stream, ctx.Err())
	}
}

// receive runs on the subscription's one goroutine, so the messages of a call arrive in order.
func (d *Direct) receive(m *nats.Msg) {
	token := m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]
	d.mu.Lock()
	c := d.calls[token]
	d.mu.Unlock()
	if c == nil {
		return // the caller gave up
	}
	status, why := m.Header.Get("Status"), m.Header.Get("Description")
	switch {
	case status == "":
		s, err := stored(m)
		if err != nil {
			c.end(err)
			return
		}
		c.got = append(c.got, s)
	case status == "204" && c.whole && m.Header.Get(headerPending) != "0", status == "413":
		c.end(ErrTooMany)
	case status == "204":
		c.upTo, _ = strconv.ParseUint(m.Header.Get(headerUpTo), 10, 64) // older servers do not say
		c.end(nil)
	case status == "404" && (why == "No Results" || !c.whole):
		c.end(nil)
	default:
		c.end(fmt.Errorf("%w: %s %s", ErrStream, status, why))
	}
}

func (c *call) end(err error) {
	select {
	case c.done <- err:
	default: // it has ended already
	}
}

// stored reads what the server says of a message. It says that last: a message that is itself the copy of one that was read
// so has the same headers before.
func stored(m *nats.Msg) (Stored, error) {
	last := func(header string) string {
		all := m.Header.Values(header)
		if len(all) == 0 {
			return ""
		}
		return all[len(all)-1]
	}
	s := Stored{Subject: last(nats.JSSubject), Header: m.Header, Data: m.Data}
	var err error
	if s.Sequence, err = strconv.ParseUint(last(nats.JSSequence), 10, 64); err != nil {
		return s, fmt.Errorf("%w: sequence: %w", ErrStream, err)
	}
	if s.Time, err = time.Parse(time.RFC3339Nano, last(nats.JSTimeStamp)); err != nil {
		return s, fmt.Errorf("%w: time: %w", ErrStream, err)
	}
	return s, nil
}
