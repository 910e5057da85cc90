// Package nexlettest gives a test all that Nex and Natster together need: a world without functions of its own, a NATS
// server for Nex, credentials for the functions, and nexlets to put on stand-in nodes.
//
//	s := nexlettest.Start(t, functions)
//	node := s.Node(nextest.Config{})
//	s.Client().Deploy(ctx, nex.Request{Name: "otc", Start: spec.Start{Function: "otc"}})
//
// The map:
//
//	nexlettest.go  Stage: start, keys, nodes, clients
package nexlettest
