// Package nexlettest gives a test all that Nex and Natster need together: a world that runs no functions, a NATS server
// for Nex, credentials for the functions, and nexlets for stand-in nodes.
//
//	s := nexlettest.Start(t, functions)
//	node := s.Node(nextest.Config{})
//	s.Client().Deploy(ctx, nex.Request{Name: "otc", Start: spec.Start{Function: "otc"}})
//
//	nexlettest.go  Stage: start, keys, nodes, clients
package nexlettest
