package jet

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

	"natster/internal/backoff"
)

// MaxLast is how many subjects may match one [Direct.Last]: the server's own bound on a multi-subject direct get.
const MaxLast = 1024

// headerPending is how many messages that match were left out of an answer.
const headerPending = "Nats-Num-Pending"

// headerUpTo is the last position of the state that was read, on the end of a batch.
const headerUpTo = "Nats-UpTo-Sequence"

// An API is where JetStream answers, as an account sees it: the prefix of the subjects of its API.
type API string

const (
	// Own is the API in an account that owns JetStream.
	Own API = "$JS.API"
	// Imported is the API in an account that imports parts of it from the account data.
	Imported API = "JS.data.API"
)

// Subject is the subject of a request, such as `$JS.API.DIRECT.GET.S` for DIRECT.GET.S.
func (a API) Subject(request string) string { return string(a) + "." + request }

var (
	// ErrTooMany is returned by [Direct.Last] when more than [MaxLast] subjects match.
	ErrTooMany = errors.New("more subjects match than one read returns")
	// errStream is wrapped when a stream cannot be read: it does not exist, or no server answers for it.
	errStream = errors.New("stream cannot be read")
)

// A Message is one message as a stream keeps it.
type Message struct {
	Subject  string
	Header   nats.Header // without what the read itself added
	Data     []byte
	Sequence uint64
	Time     time.Time
}

// A Direct reads streams by JetStream's direct get: one request for any number of subjects, answered by the stream
// itself from one consistent state (the server lets no write in between). It needs no consumer, so a reader's
// permissions stay as small as the stream's name. One subscription serves all its reads. It is safe for concurrent use.
type Direct struct {
	nc     *nats.Conn
	api    API
	prefix string
	sub    *nats.Subscription
	lost   chan nats.Status // says that the connection was lost
	watch  sync.WaitGroup

	mu    sync.Mutex
	calls map[string]*call
}

type call struct {
	whole  bool // all that matches must come in one answer
	single bool // the answer is one message, and no end of a batch follows
	raw    []*nats.Msg
	over   bool       // nothing is added to raw any more
	got    []Message  // raw, decoded
	upTo   uint64     // last position of the state that was read; 0 if the server did not say
	done   chan error // one value: nil at the end of the batch
}

// NewDirect returns a reader over nc, from whose account JetStream is reached at a. Close it when done.
func NewDirect(nc *nats.Conn, a API) (*Direct, error) {
	d := &Direct{nc: nc, api: a, prefix: nc.NewInbox() + ".", calls: make(map[string]*call)}
	sub, err := nc.Subscribe(d.prefix+"*", d.receive)
	if err != nil {
		return nil, fmt.Errorf("jet: subscribe for reads: %w", err)
	}
	if err := sub.SetPendingLimits(-1, -1); err != nil { // what is asked for is bounded, so what is pending is
		return nil, errors.Join(err, sub.Unsubscribe())
	}
	d.sub = sub
	d.lost = nc.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	d.watch.Go(func() {
		for range d.lost {
			d.endAll(fmt.Errorf("%w: %w", errStream, nats.ErrDisconnected))
		}
	})
	return d, nil
}

// Close ends the subscription, and reads under way with an error.
func (d *Direct) Close() error {
	err := d.sub.Unsubscribe()
	d.nc.RemoveStatusListener(d.lost)
	d.watch.Wait()
	d.endAll(fmt.Errorf("%w: the reader was closed", errStream))
	return err
}

// endAll ends the reads under way: their answers went where the connection went, so they would never come.
func (d *Direct) endAll(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.calls {
		c.end(err)
	}
}

// Last returns the last message of each subject that the filters match (wildcards allowed), in order of sequence; none
// matching is no error. More than [MaxLast] is [ErrTooMany].
func (d *Direct) Last(ctx context.Context, stream string, filters ...string) ([]Message, error) {
	return d.LastSince(ctx, stream, 0, filters...)
}

// catchUpTimeout is how long replicas are given to catch up, which takes them milliseconds. A position that none has by
// then is not a position of this stream.
const catchUpTimeout = 500 * time.Millisecond

var catchUpPause = backoff.Doubling(time.Millisecond, 50*time.Millisecond)

// LastSince is [Direct.Last] from a state that has at least the position, if any replica comes to have it. Any replica
// of a stream may answer a read, and one that is behind does not know what another has acknowledged already: it is
// asked again, and then perhaps another answers. A stream with one replica is never behind.
func (d *Direct) LastSince(ctx context.Context, stream string, position uint64, filters ...string) ([]Message, error) {
	until := time.Now().Add(catchUpTimeout)
	for attempt := 1; ; attempt++ {
		c, err := d.get(ctx, stream, &call{whole: true}, map[string]any{"multi_last": filters})
		if err != nil || c.upTo >= position || time.Now().After(until) {
			return c.got, err
		}
		if err := backoff.Sleep(ctx, catchUpPause(attempt)); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", errStream, stream, err)
		}
	}
}

// Newest returns the last of all messages whose subject matches filter (wildcards allowed), as the replica that answers
// has it; ok is false if there is none. It costs the server a look at each subject that matches, and not more in a
// longer stream.
func (d *Direct) Newest(ctx context.Context, stream, filter string) (m Message, ok bool, err error) {
	c, err := d.get(ctx, stream, &call{single: true}, map[string]any{"last_by_subj": filter})
	if err != nil || len(c.got) == 0 {
		return m, false, err
	}
	return c.got[0], true, nil
}

// Range returns up to limit messages whose subject matches filter, from sequence from on, in order. An empty result
// means that there are no more now. An empty filter is the whole stream, and the server reads that more than twice as
// fast as a filter that happens to match everything.
func (d *Direct) Range(ctx context.Context, stream, filter string, from uint64, limit int) ([]Message, error) {
	req := map[string]any{"seq": from, "batch": limit, "max_bytes": 4 << 20}
	if filter != "" {
		req["next_by_subj"] = filter
	}
	c, err := d.get(ctx, stream, &call{}, req)
	return c.got, err
}

// readTimeout is when a read counts as lost, for instance with a connection. A working server answers in milliseconds.
const readTimeout = 10 * time.Second

// get sends a request whose answer c takes in, and returns it when it is complete.
func (d *Direct) get(ctx context.Context, stream string, c *call, req map[string]any) (*call, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	body, err := json.Marshal(req)
	if err != nil {
		return &call{}, err
	}
	token := nuid.Next()
	c.done = make(chan error, 1)
	d.mu.Lock()
	d.calls[token] = c
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		delete(d.calls, token)
		d.mu.Unlock()
	}()
	if err := d.nc.PublishRequest(d.api.Subject("DIRECT.GET."+stream), d.prefix+token, body); err != nil {
		return &call{}, fmt.Errorf("%w: %s: %w", errStream, stream, err)
	}
	select {
	case err := <-c.done:
		if err != nil {
			return &call{}, fmt.Errorf("%s: %w", stream, err)
		}
		return c, c.decode()
	case <-ctx.Done():
		return &call{}, fmt.Errorf("%w: %s: %w", errStream, stream, ctx.Err())
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
	status, description := m.Header.Get("Status"), m.Header.Get("Description")
	switch {
	case status == "":
		if c.over {
			return
		}
		c.raw = append(c.raw, m) // and no more: all reads share this goroutine
		if c.over = c.single; c.over {
			c.end(nil)
		}
	case status == "204" && c.whole && m.Header.Get(headerPending) != "0", status == "413":
		c.end(ErrTooMany)
	case status == "204":
		c.over = true
		c.upTo, _ = strconv.ParseUint(m.Header.Get(headerUpTo), 10, 64) // older servers do not say
		c.end(nil)
	case status == "404" && (description == "No Results" || !c.whole):
		c.over = true
		c.end(nil)
	default:
		c.end(fmt.Errorf("%w: %s %s", errStream, status, description))
	}
}

// decode decodes what came, after the end.
func (c *call) decode() (err error) {
	if len(c.raw) > 0 {
		c.got = make([]Message, len(c.raw))
	}
	for i, m := range c.raw {
		if c.got[i], err = stored(m); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) end(err error) {
	select {
	case c.done <- err:
	default: // it has ended already
	}
}

// stored returns the message that an answer holds. What the server says of it stands last in each header: a message
// that is itself a copy of such an answer has the same headers before.
func stored(m *nats.Msg) (Message, error) {
	last := func(header string) string {
		all := m.Header.Values(header)
		if len(all) == 0 {
			return ""
		}
		return all[len(all)-1]
	}
	s := Message{Subject: last(nats.JSSubject), Header: m.Header, Data: m.Data}
	var err error
	if s.Sequence, err = strconv.ParseUint(last(nats.JSSequence), 10, 64); err != nil {
		return s, fmt.Errorf("%w: sequence: %w", errStream, err)
	}
	if s.Time, err = time.Parse(time.RFC3339Nano, last(nats.JSTimeStamp)); err != nil {
		return s, fmt.Errorf("%w: time: %w", errStream, err)
	}
	return s, nil
}
