package view

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrChanged is wrapped by [Replace] and [Delete] when the key is no longer at the revision it was read at.
var ErrChanged = errors.New("changed since it was read")

// Put stores value under key and returns its revision once the bucket has acknowledged it.
func Put(ctx context.Context, js jetstream.JetStream, b Bucket, key string, value []byte) (uint64, error) {
	ack, err := js.PublishMsg(ctx, &nats.Msg{Subject: b.Subject(key), Data: value})
	if err != nil {
		return 0, fmt.Errorf("put into %s: %w", b.Name, err)
	}
	return ack.Sequence, nil
}

// Replace stores value under key if revision is still its last, 0 standing for none, else the error wraps [ErrChanged]. After
// any other error the value may or may not be stored.
func Replace(ctx context.Context, js jetstream.JetStream, b Bucket, key string, value []byte, revision uint64, opts ...jetstream.PublishOpt) error {
	return conditional(ctx, js, b, &nats.Msg{Subject: b.Subject(key), Data: value}, revision, opts...)
}

// Delete deletes key if revision is still its last, else the error wraps [ErrChanged]: of any number of callers exactly
// one succeeds. After any other error the key may or may not be deleted.
func Delete(ctx context.Context, js jetstream.JetStream, b Bucket, key string, revision uint64) error {
	return conditional(ctx, js, b, deletion(b, key), revision)
}

// Remove deletes key, whatever its revision; a key that is not there is deleted all the same.
func Remove(ctx context.Context, js jetstream.JetStream, b Bucket, key string) error {
	if _, err := js.PublishMsg(ctx, deletion(b, key)); err != nil {
		return fmt.Errorf("delete from %s: %w", b.Name, err)
	}
	return nil
}

func deletion(b Bucket, key string) *nats.Msg {
	return &nats.Msg{Subject: b.Subject(key), Header: nats.Header{"KV-Operation": {"DEL"}}}
}

func conditional(ctx context.Context, js jetstream.JetStream, b Bucket, m *nats.Msg, revision uint64, opts ...jetstream.PublishOpt) error {
	_, err := js.PublishMsg(ctx, m, append(opts, jetstream.WithExpectLastSequencePerSubject(revision))...)
	if err == nil {
		return nil
	}
	var refusal *jetstream.APIError
	const wrongLastConstant = 10164 // the server's code when another such write is under way
	if errors.As(err, &refusal) && (refusal.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || refusal.ErrorCode == wrongLastConstant) {
		return fmt.Errorf("write to %s: %w", b.Name, ErrChanged)
	}
	return fmt.Errorf("write to %s: %w", b.Name, err)
}
