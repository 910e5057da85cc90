package seal

import "fmt"

// Chunk1 is the plaintext size of protocol 1's chunks, in bytes; the last may be shorter.
const Chunk1 = 4096

// Seal1 seals a chunk of protocol 1 from sender's key to the public xkey target.
func Seal1(plain []byte, sender *Key, target string) ([]byte, error) {
	sealed, err := sender.pair.Seal(plain, target)
	if err != nil {
		return nil, fmt.Errorf("seal a chunk: %w", err)
	}
	return sealed, nil
}

// Open1 opens a chunk of protocol 1. Nothing in the chunk says which one it is: only the file's hash can show that.
func Open1(sealed []byte, target *Key, sender string) ([]byte, error) {
	plain, err := target.pair.Open(sealed, sender)
	if err != nil {
		return nil, fmt.Errorf("open a chunk: %w", err)
	}
	return plain, nil
}
