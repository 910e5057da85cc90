package seal

import (
	"errors"
	"fmt"
)

// Chunk1 is the plaintext size of protocol 1's chunks, in bytes; the last may be shorter.
const Chunk1 = 4096

// Overhead1 is by how much a sealed chunk of protocol 1 is longer than its plaintext: "xkv1", a nonce, a tag.
const Overhead1 = 4 + 24 + 16

// ErrChunk1 is wrapped when a chunk of protocol 1 does not open.
var ErrChunk1 = errors.New("the chunk does not open")

// Seal1 seals a chunk of protocol 1 from sender's key to the public xkey target.
func Seal1(plain []byte, sender *Key, target string) ([]byte, error) {
	sealed, err := sender.pair.Seal(plain, target)
	if err != nil {
		return nil, fmt.Errorf("seal a chunk: %w", err)
	}
	return sealed, nil
}

// Open1 opens a chunk of protocol 1. Nothing in it says which chunk it is: only the file's hash can tell. Errors match
// [ErrChunk1].
func Open1(sealed []byte, target *Key, sender string) ([]byte, error) {
	plain, err := target.pair.Open(sealed, sender)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrChunk1, err)
	}
	return plain, nil
}
