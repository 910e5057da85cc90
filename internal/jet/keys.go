package jet

import (
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// headerOperation says what a message of a bucket does to its key, if it does not put a value: DEL or PURGE.
const headerOperation = "KV-Operation"

// Deletion returns the message that deletes the key of a bucket whose subject is given.
func Deletion(subject string) *nats.Msg {
	return &nats.Msg{Subject: subject, Header: nats.Header{headerOperation: {"DEL"}}}
}

// Deleted reports whether a message of a bucket with header h says that its key was deleted, purged or has expired.
func Deleted(h nats.Header) bool {
	return h.Get(headerOperation) != "" || h.Get(jetstream.MarkerReasonHeader) != ""
}
