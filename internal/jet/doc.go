// Package jet is what Natster uses of JetStream beyond what the nats.go client has: consistent reads without a
// consumer, conditions on writes, and the marks of deleted keys.
//
//	publish.go   Publish, Expect, Acknowledged; ErrConflict, the failed condition of any of them
//	keys.go      Deletion and Deleted: how a key-value bucket says that a key is deleted
//	direct.go    Direct: the last messages of several subjects, or a range of a stream, in one request
package jet
