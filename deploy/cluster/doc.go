// Package cluster writes the configuration of stock NATS servers that carry a world: for users who have outgrown one
// machine.
//
//	cluster.go  Server, ParseServer, Configs: a configuration file for each server
//
// The files hold the operator's and the accounts' JWTs, which are public, and no secret. Who has the world's keys can
// make them again at any time; servers that run need no new ones when accounts come and go, because their resolvers
// tell each other.
package cluster
