package functions

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// What a server writes into a configuration where it was given nothing.
const (
	unlimited       = -1
	duplicateWindow = 2 * time.Minute
	maxPulls        = 512
)

// ownMetadata begins the names of what a server notes about a stream or a consumer by itself.
const ownMetadata = "_nats."

// sameStream reports whether a stream that is configured as have says is as want says, so that nothing would change if
// the server were told. Where a server fills in anything that is not known here, they are not the same.
func sameStream(have, want jetstream.StreamConfig) bool {
	for _, n := range []*int64{&want.MaxMsgs, &want.MaxBytes, &want.MaxMsgsPerSubject} {
		if *n == 0 {
			*n = unlimited
		}
	}
	if want.MaxMsgSize == 0 {
		want.MaxMsgSize = unlimited
	}
	if want.MaxConsumers == 0 {
		want.MaxConsumers = unlimited
	}
	if want.Duplicates == 0 {
		want.Duplicates = duplicateWindow
		if want.MaxAge > 0 {
			want.Duplicates = min(duplicateWindow, want.MaxAge)
		}
	}
	have.Metadata = withoutOwn(have.Metadata)
	return reflect.DeepEqual(have, want)
}

// sameConsumer is sameStream for consumers.
func sameConsumer(have, want jetstream.ConsumerConfig) bool {
	if want.Name == "" {
		want.Name = want.Durable
	}
	if want.MaxWaiting == 0 {
		want.MaxWaiting = maxPulls
	}
	if len(want.FilterSubjects) == 1 { // some servers tell it as the other
		want.FilterSubject, want.FilterSubjects = want.FilterSubjects[0], nil
	}
	if len(have.FilterSubjects) == 1 {
		have.FilterSubject, have.FilterSubjects = have.FilterSubjects[0], nil
	}
	have.FilterSubjects = slices.Sorted(slices.Values(have.FilterSubjects))
	want.FilterSubjects = slices.Sorted(slices.Values(want.FilterSubjects))
	have.Metadata = withoutOwn(have.Metadata)
	return reflect.DeepEqual(have, want)
}

// withoutOwn returns m without what the server noted; nil if nothing is left.
func withoutOwn(m map[string]string) map[string]string {
	m = maps.Clone(m)
	maps.DeleteFunc(m, func(name, _ string) bool { return strings.HasPrefix(name, ownMetadata) })
	if len(m) == 0 {
		return nil
	}
	return m
}
