// Package seal is the cryptography of media transfers, without any I/O: the sealed header and the sealed chunks of
// protocol 2, and the chunks of protocol 1.
//
//	key.go        Key: a single-use xkey pair
//	layout.go     Layout: how a file is cut into chunks
//	header.go     Header: the content key and all it is bound to, sealed to the receiver
//	frame.go      Sender and Receiver: chunks and ends as frames, AES-256-GCM
//	protocol1.go  the original's chunks: nkeys Seal each
//
// A session has a content key of its own, made by the sender and sealed with nkeys curve Seal from a single-use xkey to
// a single-use xkey. Every frame of the session is sealed under that key with a nonce from a counter that never
// repeats, and its associated data bind session, index, and whether it ends the file; so frames cannot be swapped,
// moved to another session, or pass an early end as the end, and sending a chunk again, even of a file that changed
// meanwhile, never uses a nonce twice. What is whole is for the file's SHA-256 to say, which the header carries and the
// receiver must check.
//
// The exact bytes stand in docs/protocol.md and in the comments of [Header] and [Sender]; testdata/protocol2.json has
// vectors to implement them by.
package seal
