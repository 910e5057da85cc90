package jet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrConflict is wrapped when a write was refused because its condition does not hold: another writer came first.
// Nothing was written. Read again, decide again.
var ErrConflict = errors.New("changed since it was read")

// Expect makes the publishing of m conditional: last must be the highest sequence on the subjects that filter matches,
// 0 standing for none. An empty filter is m's own subject.
func Expect(m *nats.Msg, filter string, last uint64) {
	if m.Header == nil {
		m.Header = nats.Header{}
	}
	m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(last, 10))
	if filter != "" {
		m.Header.Set(jetstream.ExpectedLastSubjSeqSubjHeader, filter)
	}
}

// Publish publishes m and returns its sequence once the stream has acknowledged it. The error wraps [ErrConflict] if
// m's condition does not hold; after any other error m may or may not be in the stream.
func Publish(ctx context.Context, js jetstream.JetStream, m *nats.Msg, opts ...jetstream.PublishOpt) (uint64, error) {
	ack, err := js.PublishMsg(ctx, m, opts...)
	if err != nil {
		return 0, refusal(err)
	}
	return ack.Sequence, nil
}

// Acknowledged reads a stream's answer to a published message. It returns nil if the message was stored; otherwise
// errors are those of [Publish].
func Acknowledged(answer []byte) error {
	if bytes.HasPrefix(answer, []byte(`{"stream":`)) && !bytes.Contains(answer, []byte(`"error":{`)) {
		return nil
	}
	if len(answer) == 0 {
		return nats.ErrNoResponders
	}
	var ack struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(answer, &ack); err != nil {
		return fmt.Errorf("acknowledgement: %w", err)
	}
	if ack.Error == nil {
		return errors.New("not acknowledged")
	}
	return refusal(ack.Error)
}

// refusal is err, as an [ErrConflict] if it says that a condition does not hold.
func refusal(err error) error {
	if api, is := errors.AsType[*jetstream.APIError](err); is {
		switch api.ErrorCode {
		case jetstream.JSErrCodeStreamWrongLastSequence,
			jetstream.JSErrCodeStreamWrongLastSequenceConstant: // replicated: another such write is under way
			return fmt.Errorf("%w (%s)", ErrConflict, api.Description)
		}
	}
	return err
}
