// Package cluster writes the configuration of stock NATS servers for a world that needs more than one machine.
//
//	cluster.go  Server, ParseServer; Keys.Configs: a directory for each server
//	keys.go     Keys: what the servers' files are encrypted with, and the authority for their certificates
//	certs.go    the certificates by which the servers know each other
//
// A configuration itself has no secret: the operator's and the accounts' JWTs are public. Beside it are two files that
// do, the key that JetStream's files are encrypted with and the key of the server's certificate. The owner of the
// world's directory can make all of them again at any time, with the same keys. Running servers need no new ones when
// accounts change: their resolvers inform each other.
package cluster
