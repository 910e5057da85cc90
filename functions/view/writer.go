package view

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"natster/internal/jet"
)

// Put stores value under key and returns its revision once the bucket has acknowledged it.
func Put(ctx context.Context, js jetstream.JetStream, b Bucket, key string, value []byte) (uint64, error) {
	return write(ctx, js, b, &nats.Msg{Subject: b.Subject(key), Data: value})
}

// Replace stores value under key if revision is still its last, 0 standing for none, else the error wraps
// [jet.ErrConflict]. After any other error the value may or may not be stored.
func Replace(ctx context.Context, js jetstream.JetStream, b Bucket, key string, value []byte, revision uint64,
	opts ...jetstream.PublishOpt,
) error {
	m := &nats.Msg{Subject: b.Subject(key), Data: value}
	jet.Expect(m, "", revision)
	_, err := write(ctx, js, b, m, opts...)
	return err
}

// Delete deletes key if revision is still its last, else the error wraps [jet.ErrConflict]: of any number of callers
// exactly one succeeds. After any other error the key may or may not be deleted.
func Delete(ctx context.Context, js jetstream.JetStream, b Bucket, key string, revision uint64) error {
	m := jet.Deletion(b.Subject(key))
	jet.Expect(m, "", revision)
	_, err := write(ctx, js, b, m)
	return err
}

// Remove deletes key, whatever its revision; a key that is not there is deleted all the same.
func Remove(ctx context.Context, js jetstream.JetStream, b Bucket, key string) error {
	_, err := write(ctx, js, b, jet.Deletion(b.Subject(key)))
	return err
}

func write(
	ctx context.Context, js jetstream.JetStream, b Bucket, m *nats.Msg, opts ...jetstream.PublishOpt,
) (uint64, error) {
	revision, err := jet.Publish(ctx, js, m, opts...)
	if err != nil {
		return 0, fmt.Errorf("write to %s: %w", b.Name, err)
	}
	return revision, nil
}
