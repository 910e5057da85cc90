// Package cluster writes the configuration of stock NATS servers for a world that needs more than one machine.
//
//	cluster.go  Server, ParseServer, Configs: a configuration file for each server
//
// The files contain the operator's and the accounts' JWTs, which are public, and no secret. The owner of the world's
// keys can make them again at any time. Running servers need no new ones when accounts change: their resolvers inform
// each other.
package cluster
