package view

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrChanged is wrapped by [Delete] when the key is no longer at the revision it was read at.
var ErrChanged = errors.New("changed since it was read")

// Put stores value under key and returns its revision once the bucket has acknowledged it.
func Put(ctx context.Context, js jetstream.JetStream, b Bucket, key string, value []byte) (uint64, error) {
	ack, err := js.PublishMsg(ctx, &nats.Msg{Subject: b.Subject(key), Data: value})
	if err != nil {
		return 0, fmt.Errorf("put into %s: %w", b.Name, err)
	}
	return ack.Sequence, nil
}

// Delete deletes key if revision is still its last, else the error wraps [ErrChanged]: of any number of callers exactly
// one succeeds. After any other error the key may or may not be deleted.
func Delete(ctx context.Context, js jetstream.JetStream, b Bucket, key string, revision uint64) error {
	m := &nats.Msg{Subject: b.Subject(key), Header: nats.Header{"KV-Operation": {"DEL"}}}
	_, err := js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(revision))
	if err == nil {
		return nil
	}
	var refusal *jetstream.APIError
	const wrongLastConstant = 10164 // the server's code when another such write is under way
	if errors.As(err, &refusal) && (refusal.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || refusal.ErrorCode == wrongLastConstant) {
		return fmt.Errorf("delete from %s: %w", b.Name, ErrChanged)
	}
	return fmt.Errorf("delete from %s: %w", b.Name, err)
}
