// Package worldtest gives a test a real world in one line: an embedded NATS server in operator mode with real accounts,
// imports and exports, that ends with the test.
//
//	w := worldtest.Start(t)
//	alice, bob := w.Account("alice"), w.Account("bob")
//	w.Import(bob, films, alice)
//
// The map:
//
//	worldtest.go  World and Account: start, enrol, import, connect, restart
//	forge.go      what only a malicious operator could do: imports that nobody may have
package worldtest
