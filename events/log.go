package events

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

// LogStream is the name of the stream that is the event log.
const LogStream = "NATSTER_EVENTS"

// ErrConflict is returned by [Log.Append] when another writer appended under the same filter since it was read. Read
// again, decide again.
var ErrConflict = errors.New("the log has moved on since it was read")

// LogConfig is the log's stream, with the given number of replicas. Nothing in it can be deleted or purged, and it takes
// atomic batches. Whether an append is on disk before it is acknowledged is the server's sync setting.
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
	direct *Direct
}

// NewLog returns the log as nc's account has it, reading through direct. The stream itself is made by the deployment.
func NewLog(nc *nats.Conn, direct *Direct) (*Log, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("events: open log: %w", err)
	}
	return &Log{js: js, direct: direct}, nil
}

// An Append is one event to be appended on condition that Last is the highest sequence under Filter, a subject or a
// pattern; 0 stands for none. An empty Filter is the event's own subject. No event is without a condition: the stream keeps
// it with the event, and so refuses a copy, whoever publishes that.
type Append struct {
	Event  Event
	Filter string
	Last   uint64
}

// Append appends one event, or several atomically: all or none. It returns the position of the last. It has returned nil
// only after the stream acknowledged; [ErrConflict] means that a condition failed and nothing was appended. After any
// other error, a timeout for instance, the events may or may not be in the log: read before you try again.
func (l *Log) Append(ctx context.Context, appends ...Append) (uint64, error) {
	msgs := make([]*nats.Msg, len(appends))
	for i, a := range appends {
		m, err := Encode(a.Event)
		if err != nil {
			return 0, err
		}
		m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(a.Last, 10))
		if a.Filter != "" {
			m.Header.Set(jetstream.ExpectedLastSubjSeqSubjHeader, a.Filter)
		}
		msgs[i] = m
	}
	var seq uint64
	var err error
	if len(msgs) == 1 {
		seq, err = publish(ctx, l.js, msgs[0])
	} else {
		seq, err = PublishAtomic(ctx, l.js, msgs)
	}
	if err != nil {
		return 0, fmt.Errorf("events: append %s: %w", appends[0].Event.Type, err)
	}
	return seq, nil
}

func publish(ctx context.Context, js jetstream.JetStream, m *nats.Msg) (uint64, error) {
	ack, err := js.PublishMsg(ctx, m)
	if err != nil {
		return 0, conflict(err)
	}
	return ack.Sequence, nil
}

// Headers of JetStream's atomic batch publishing (NATS 2.12, ADR-50).
const (
	headerBatchID     = "Nats-Batch-Id"
	headerBatchSeq    = "Nats-Batch-Sequence"
	headerBatchCommit = "Nats-Batch-Commit"
)

// PublishAtomic publishes all messages to one stream, or none: it stages all but the last and commits with the last, whose
// acknowledgement stands for all. It returns the last's sequence. A failed condition of any message is [ErrConflict].
func PublishAtomic(ctx context.Context, js jetstream.JetStream, msgs []*nats.Msg) (uint64, error) {
	id := nuid.Next()
	for i, m := range msgs {
		m.Header.Set(headerBatchID, id)
		m.Header.Set(headerBatchSeq, strconv.Itoa(i+1))
		if i < len(msgs)-1 {
			if err := js.Conn().PublishMsg(m); err != nil {
				return 0, err
			}
		}
	}
	last := msgs[len(msgs)-1]
	last.Header.Set(headerBatchCommit, "1")
	return publish(ctx, js, last)
}

func conflict(err error) error {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		const wrongLastConstant = 10164 // another append under the same filter is in process
		switch api.ErrorCode {
		case jetstream.JSErrCodeStreamWrongLastSequence, wrongLastConstant:
			return fmt.Errorf("%w (%s)", ErrConflict, api.Description)
		}
	}
	return err
}

// Last returns the last event on each subject that the filters match, in order of position: all that a decision needs in
// one read from one state of the log.
func (l *Log) Last(ctx context.Context, filters ...string) ([]Envelope, error) {
	return l.LastSince(ctx, 0, filters...)
}

// LastSince is [Log.Last] from a state of the log that has at least the position; see [Direct.LastSince].
func (l *Log) LastSince(ctx context.Context, position uint64, filters ...string) ([]Envelope, error) {
	got, err := l.direct.LastSince(ctx, LogStream, position, filters...)
	if err != nil {
		return nil, fmt.Errorf("events: read: %w", err)
	}
	evs := make([]Envelope, len(got))
	for i, s := range got {
		if evs[i], err = s.envelope(); err != nil {
			return nil, err
		}
	}
	return evs, nil
}

// Replay calls fn for every event from position from to position to inclusive, in order; to 0 stands for "all there is".
// An event that cannot be decoded is handed to fn with its position and the error, and so is a [Lost], with its last
// position; fn's own error ends the replay. It returns the position of the last event it read, or from-1 if there was none:
// what is missing at the end may be on its way to the server that answered.
func (l *Log) Replay(ctx context.Context, from, to uint64, fn func(Envelope, error) error) (uint64, error) {
	const batch = 4096
	last := from - 1
	for {
		most := batch
		if to != 0 && to-last < uint64(most) {
			most = int(to - last)
		}
		if most == 0 {
			return last, nil
		}
		got, err := l.direct.Range(ctx, LogStream, "", last+1, most)
		if err != nil {
			return last, fmt.Errorf("events: replay: %w", err)
		}
		if len(got) == 0 {
			return last, nil
		}
		for _, s := range got {
			if s.Sequence > last+1 {
				missing := s.Sequence - 1
				if to != 0 {
					missing = min(missing, to)
				}
				if last, err = l.mended(ctx, last+1, missing, fn); err != nil {
					return last, err
				}
			}
			if to != 0 && s.Sequence > to {
				return last, nil
			}
			e, err := s.envelope()
			if err := fn(e, err); err != nil {
				return last, err
			}
			last = s.Sequence
		}
	}
}

// mended is the part of a replay that its first reading passed over.
func (l *Log) mended(ctx context.Context, from, to uint64, fn func(Envelope, error) error) (uint64, error) {
	last := from - 1
	err := l.Mend(ctx, from, to, func(s Stored) error {
		e, err := s.envelope()
		if err := fn(e, err); err != nil {
			return err
		}
		last = s.Sequence
		return nil
	}, func(lost *Lost) error {
		if err := fn(Envelope{Position: lost.To}, lost); err != nil {
			return err
		}
		last = lost.To
		return nil
	})
	return last, err
}

func (s Stored) envelope() (Envelope, error) {
	e, err := Decode(s.Subject, s.Header, s.Data)
	if err != nil {
		err = fmt.Errorf("position %d: %w", s.Sequence, err)
	}
	return Envelope{Event: e, Position: s.Sequence}, err
}
