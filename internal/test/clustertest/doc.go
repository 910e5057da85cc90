// Package clustertest gives a test a NATS cluster in its process: servers of one operator, with the accounts, resolvers
// and permissions of a world, whose streams have as many replicas as there are servers. It is where it is tested what
// happens when users have outgrown one machine.
//
//	cluster.go  Start, Enrol, Grant, Run, Lead, Kill
//
// The tests beside it play the whole (functions on two nexlets, one of which is killed under load, and then a server),
// and how soon another instance of a function takes over.
package clustertest
