// Command bench measures Natster against the bare floor and prints ratios. Every figure and the floor it is compared
// with come from the same run on the same machine, because machines are noisy and figures from elsewhere mean nothing.
//
//	go run ./internal/test/bench -natster bin/natster            everything
//	go run ./internal/test/bench -natster bin/natster -only put   one measure
//
//	main.go       flags, the list of measures, the roles of child processes
//	report.go     a result, and the table of them
//	world.go      a world in a process of its own, and accounts in it
//	startup.go    natster against an empty program
//	scan.go       the library's scan against sha256sum
//	requests.go   whoami, my.shares, events.put against a bare request and a bare publish
//	growth.go     the cost of one event in a long log against a short one
//	hub.go        the hub's heartbeat to its sender
//	rebuild.go    rebuilding all projections against bare puts
//	media.go      protocol 2 against its limit, raw NATS and protocol 1; a hundred slow receivers
//	nexlet.go     a function on a nexlet against the same function without
//	worldstart.go a world's start
//	devrun.go     a world, an owner and a catalog's server as people have them: the binary, in processes of their own
//	flood.go      accounts that attack: a flood of requests
//	revocation.go unshare until refused, under a flood
//	quiet.go      whoami of a quiet account, under a flood of everything
//	crowd.go      a quiet receiver's download beside a hundred sessions of another
//	unread.go     the server's memory with connections that never read
//	failover.go   another instance of a function takes over, in a cluster
//	gobench.go    measures that are Go benchmarks of their packages
//
// Targets are printed beside the ratios; nothing fails when one is missed, but the line says so.
package main
