package events

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"natster/internal/brief"
)

// Header names of a CloudEvents message in binary mode over NATS (CloudEvents 1.0, NATS protocol binding).
const (
	headerSpec        = "ce-specversion"
	headerID          = "ce-id"
	headerSource      = "ce-source"
	headerType        = "ce-type"
	headerTime        = "ce-time"
	headerContentType = "ce-datacontenttype"

	specVersion = "1.0"
	contentType = "application/json"
	source      = "natster" // the log; who did it is in the event
)

// maxEvent bounds the body of an event, in bytes: ten times the largest that eventwriter makes.
const maxEvent = 64 << 10

// Encode returns e as a message for the log. It fails, wrapping [ErrEvent], where [Event.Check] does.
func Encode(e Event) (*nats.Msg, error) {
	if err := e.Check(); err != nil {
		return nil, err
	}
	body, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrEvent, e.Type, err)
	}
	return &nats.Msg{
		Subject: LogSubject(e),
		Header: nats.Header{
			nats.MsgIdHdr:     {e.ID},
			headerSpec:        {specVersion},
			headerID:          {e.ID},
			headerSource:      {source},
			headerType:        {string(e.Type)},
			headerTime:        {e.Time.UTC().Format(time.RFC3339Nano)},
			headerContentType: {contentType},
		},
		Data: body,
	}, nil
}

// Decode reads an event back from a message of the log. It trusts nothing: headers, body and subject must agree, else
// the error wraps [ErrEvent]. An unknown type is not an error.
func Decode(subject string, header nats.Header, body []byte) (Event, error) {
	if v := header.Get(headerSpec); v != specVersion {
		return Event{}, fmt.Errorf("%w: CloudEvents version %q", ErrEvent, brief.Clip(v))
	}
	if len(body) > maxEvent {
		return Event{}, fmt.Errorf("%w: %d bytes", ErrEvent, len(body))
	}
	var e Event
	if !readCanonical(body, &e) {
		e = Event{}
		if err := json.Unmarshal(body, &e); err != nil {
			return Event{}, fmt.Errorf("%w: %w", ErrEvent, err)
		}
	}
	at, err := time.Parse(time.RFC3339Nano, header.Get(headerTime))
	if err != nil {
		return Event{}, fmt.Errorf("%w: %w", ErrEvent, err)
	}
	e.ID, e.Time = header.Get(headerID), at.UTC()
	if t := header.Get(headerType); t != string(e.Type) {
		return Event{}, fmt.Errorf("%w: header says %q, body %q", ErrEvent, brief.Clip(t), brief.Clip(string(e.Type)))
	}
	if s := LogSubject(e); s != subject {
		return Event{}, fmt.Errorf("%w: %s on subject %s", ErrEvent, brief.Clip(s), brief.Clip(subject))
	}
	return e, e.Check()
}
