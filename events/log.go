package events

import (
	"context"
	"fmt"
	"math"

	"github.com/nats-io/nats.go/jetstream"

	"natster/internal/jet"
)

// LogStream is the name of the stream that is the event log.
const LogStream = "NATSTER_EVENTS"

// LogConfig returns the configuration of the log's stream with the given number of replicas. Nothing in it can be
// deleted or purged, and it takes atomic batches. Whether an append is on disk before it is acknowledged is the
// server's sync setting.
func LogConfig(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               LogStream,
		Description:        "what happened in natster: the only truth",
		Subjects:           []string{LogAll},
		Storage:            jetstream.FileStorage,
		Replicas:           replicas,
		DenyDelete:         true,
		DenyPurge:          true,
		AllowDirect:        true,
		AllowAtomicPublish: true,
		MaxMsgSize:         maxEvent,
	}
}

// A Log is the event log. It is safe for concurrent use.
type Log struct {
	js     jetstream.JetStream
	direct *jet.Direct
}

// NewLog returns the log that is appended to over js and read through direct. Its stream is made by the deployment.
func NewLog(js jetstream.JetStream, direct *jet.Direct) *Log { return &Log{js: js, direct: direct} }

// An Append is one event to be appended on condition that Last is the highest position under Filter, a subject or a
// pattern; 0 stands for none. An empty Filter is the event's own subject. No event is without a condition: the stream
// keeps the condition with the event, and so refuses a copy of it from any client.
type Append struct {
	Event  Event
	Filter string
	Last   uint64
}

// Append appends an event and returns its position once the stream has acknowledged it. [jet.ErrConflict] means that
// the condition does not hold and nothing was appended. After any other error, a timeout for instance, the event may or
// may not be in the log: read before you try again.
func (l *Log) Append(ctx context.Context, a Append) (uint64, error) {
	m, err := Encode(a.Event)
	if err != nil {
		return 0, err
	}
	jet.Expect(m, a.Filter, a.Last)
	position, err := jet.Publish(ctx, l.js, m)
	if err != nil {
		return 0, fmt.Errorf("events: append %s: %w", a.Event.Type, err)
	}
	return position, nil
}

// LastSince returns the last event on each subject that the filters match, in order of position: all that a decision
// needs in one read, from one state of the log that has at least the position; see [jet.Direct.LastSince].
func (l *Log) LastSince(ctx context.Context, position uint64, filters ...string) ([]Envelope, error) {
	got, err := l.direct.LastSince(ctx, LogStream, position, filters...)
	if err != nil {
		return nil, fmt.Errorf("events: read: %w", err)
	}
	evs := make([]Envelope, len(got))
	for i, m := range got {
		if evs[i], err = envelope(m); err != nil {
			return nil, err
		}
	}
	return evs, nil
}

// LastOf returns the position of the last event that the account caused; 0 stands for none. Any replica of the log may
// answer, and one that is behind does not know of the newest: see [jet.Direct.Newest].
func (l *Log) LastOf(ctx context.Context, origin Account) (uint64, error) {
	m, _, err := l.direct.Newest(ctx, LogStream, LogOfOrigin(origin))
	if err != nil {
		return 0, fmt.Errorf("events: read: %w", err)
	}
	return m.Sequence, nil
}

// Replay calls fn for every event from position from to position to inclusive, in order; to 0 stands for "all there
// is". An event that cannot be decoded is handed to fn with its position and the error, and so is a [Lost], with its
// last position; fn's own error ends the replay. It returns the position of the last event it read, or from-1 if there
// was none: what is missing at the end may be on its way to the server that answered.
func (l *Log) Replay(ctx context.Context, from, to uint64, fn func(Envelope, error) error) (uint64, error) {
	const batch = 4096
	if to == 0 {
		to = math.MaxUint64
	}
	last := from - 1
	give := func(e Envelope, undecodable error) error {
		err := fn(e, undecodable)
		if err == nil {
			last = e.Position
		}
		return err
	}
	for last < to {
		got, err := l.read(ctx, last+1, int(min(batch, to-last)))
		if err != nil {
			return last, fmt.Errorf("events: replay: %w", err)
		}
		if len(got) == 0 {
			break
		}
		for _, m := range got {
			if m.Sequence > last+1 { // what is between was passed over
				err := l.Reread(ctx, last+1, min(m.Sequence-1, to), func(m jet.Message, lost *Lost) error {
					if lost != nil {
						return give(Envelope{Position: lost.To}, lost)
					}
					return give(envelope(m))
				})
				if err != nil {
					return last, err
				}
			}
			if m.Sequence > to {
				return last, nil
			}
			if err := give(envelope(m)); err != nil {
				return last, err
			}
		}
	}
	return last, nil
}

func envelope(m jet.Message) (Envelope, error) {
	e, err := Decode(m.Subject, m.Header, m.Data)
	if err != nil {
		err = fmt.Errorf("position %d: %w", m.Sequence, err)
	}
	return Envelope{Event: e, Position: m.Sequence}, err
}
