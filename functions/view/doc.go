// Package view is what functions remember: every bucket, the keys and documents in it, and how to read a projection
// consistently in one request. Writers and readers of a document meet here and nowhere else.
//
//	bucket.go      Bucket: a key-value bucket as a declaration
//	buckets.go     the buckets, each with its keys and its document type
//	reader.go      Reader: documents of a projection together with the log position they reflect
//	follower.go    Follower: when a projection reflects a position, for many who wait
//	writer.go      Put, Replace, Delete and Remove, acknowledged, for buckets that are not projections
//	vault.go       contexts sealed to the vault's key: otc seals, queries opens
//
// A projection's bucket can be deleted at any time and built again from the log; so its stream is not synced to disk on
// every write. The buckets that are not projections say so.
package view
