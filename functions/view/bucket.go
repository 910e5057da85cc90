package view

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A Bucket declares a key-value bucket. Its stream has the form that JetStream's key-value clients expect.
type Bucket struct {
	Name string
	Doc  string
	TTL  time.Duration // how long a key lives after its last put; 0 is for ever
	// Markers says that a key that expires leaves a marker for a while, so that key triggers hear of it.
	Markers bool
	// Durable says that a put is on disk before it is acknowledged, where the server syncs always. Buckets that can be
	// rebuilt are not durable; they are also never behind themselves, because a stream loses only its end.
	Durable bool
	// Lives says that a put may say how long it lives.
	Lives    bool
	MaxBytes int64 // of the whole bucket; 0 is unlimited
}

// Stream is the name of the bucket's stream.
func (b Bucket) Stream() string { return "KV_" + b.Name }

// Subject is `$KV.<bucket>.<key>`; the key may hold wildcards.
func (b Bucket) Subject(key string) string { return "$KV." + b.Name + "." + key }

// Key is the key in a subject that [Bucket.Subject] made.
func (b Bucket) Key(subject string) string { return subject[len("$KV.")+len(b.Name)+1:] }

// markerTTL is how long a bucket without a TTL keeps the marker of a key that expired. Where the bucket has one it
// keeps markers no longer than anything else: a function that is down for more than that does not hear that the key
// expired, and has to look for itself when it starts.
const markerTTL = time.Hour

// Config is the bucket's stream with so many replicas.
func (b Bucket) Config(replicas int) jetstream.StreamConfig {
	c := jetstream.StreamConfig{
		Name:              b.Stream(),
		Description:       b.Doc,
		Subjects:          []string{b.Subject(">")},
		Storage:           jetstream.FileStorage,
		Replicas:          replicas,
		MaxMsgsPerSubject: 1,
		MaxBytes:          -1,
		Discard:           jetstream.DiscardNew,
		AllowRollup:       true,
		DenyDelete:        true,
		AllowDirect:       true,
		MaxAge:            b.TTL,
	}
	if b.MaxBytes > 0 {
		c.MaxBytes = b.MaxBytes
	}
	if b.Markers {
		c.AllowMsgTTL = true
		c.SubjectDeleteMarkerTTL = markerTTL
	}
	if b.TTL > 0 {
		c.Duplicates = min(2*time.Minute, b.TTL)
	}
	if b.Lives {
		c.AllowMsgTTL = true
	}
	if !b.Durable && replicas == 1 {
		c.PersistMode = jetstream.AsyncPersistMode // replicated streams do not have it, and do not need it
	}
	return c
}
