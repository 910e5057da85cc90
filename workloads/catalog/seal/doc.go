// Package seal is the cryptography of media transfers, without I/O: the sealed header and the sealed chunks of protocol
// 2, and the chunks of protocol 1.
//
//	key.go        Key: a single-use xkey pair
//	layout.go     Layout: how a file is cut into chunks
//	header.go     Header: the content key and everything it is bound to, sealed to the receiver
//	frame.go      Sender and Receiver: chunks and ends as frames, AES-256-GCM
//	protocol1.go  the original's chunks, each sealed by nkeys
//
// The sender makes a content key for each session and seals it, with nkeys curve Seal, from a single-use xkey to a
// single-use xkey. Every frame of the session is sealed under that key. Its nonce comes from a counter that never
// repeats, so a chunk that is sent again, even from a file that has changed, never uses a nonce twice. Its associated
// data binds the session, the index and whether the chunk ends the file, so frames cannot be swapped, moved to another
// session or cut short unnoticed. Only the file's SHA-256 proves that the file is whole: the header carries it, and the
// receiver must check it.
//
// docs/protocol.md and the comments of [Header] and [Sender] have the exact bytes, testdata/protocol2.json has vectors
// for other implementations.
package seal
