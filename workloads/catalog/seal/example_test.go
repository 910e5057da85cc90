package seal_test

import (
	"crypto/sha256"
	"fmt"
	"log"

	"github.com/nats-io/nkeys"

	"natster/events"
	"natster/workloads/catalog/seal"
)

// account makes a NATS account for an example.
func account() events.Account {
	pair, err := nkeys.CreateAccount()
	if err != nil {
		log.Fatal(err)
	}
	key, err := pair.PublicKey()
	if err != nil {
		log.Fatal(err)
	}
	a, err := events.ParseAccount(key)
	if err != nil {
		log.Fatal(err)
	}
	return a
}

// A session from both ends: the receiver makes a single-use key and asks; the owner's server seals a content key to it,
// and then chunks under that content key.
func ExampleSender() {
	must := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	file := []byte("hello, bob")
	films, err := events.ParseCatalog("films")
	must(err)
	alice, bob := account(), account()

	target, err := seal.NewKey() // the receiver's; its public half goes into the request
	must(err)
	defer target.Wipe()

	// At the owner's.
	single, err := seal.NewKey()
	must(err)
	defer single.Wipe()
	header := seal.NewHeader(seal.Binding{
		Session: seal.NewSession(), Catalog: films, Hash: events.Hash(sha256.Sum256(file)),
		Layout: seal.Layout{Size: int64(len(file)), ChunkSize: seal.MinChunk},
		Owner:  alice, Receiver: bob, Target: target.Public(), Sender: single.Public(),
	})
	sealed, err := header.Seal(single, nil)
	must(err)
	sender, err := seal.NewSender(header)
	must(err)
	buf := make([]byte, seal.PrefixSize+len(file), len(file)+seal.Overhead)
	copy(buf[seal.PrefixSize:], file)
	frame, err := sender.Seal(buf, 0)
	must(err)

	// At the receiver's: what it asked for, and what the reply says, is what the header must be bound to.
	opened, err := seal.OpenHeader(sealed, target, seal.Binding{
		Session: header.Session, Catalog: films, Hash: events.Hash(sha256.Sum256(file)), Layout: header.Layout,
		Owner: alice, Receiver: bob, Sender: single.Public(),
	})
	must(err)
	receiver, err := seal.NewReceiver(opened)
	must(err)
	chunk, err := receiver.Open(frame)
	must(err)
	fmt.Printf("chunk %d: %s\n", chunk.Index, chunk.Plain)

	frame[len(frame)-1]++ // on the way
	_, err = receiver.Open(frame)
	fmt.Println(err)
	// Output:
	// chunk 0: hello, bob
	// the frame does not open: changed, or of another session
}
