// Package demo plays natster's story in a temporary world on this machine, with the commands that a person would type:
// two people share a directory, one downloads it while a tap listens in the server, and the share is taken back.
//
//	demo.go    Config, Run, and what all steps use
//	steps.go   the steps that check something
//	serve.go   commands that run beside the demo; leaving it running
//	tap.go     what the server sees
//	needle.go  pieces of known files, found in messages
//	speed.go   noise, and the speed of NATS alone
package demo
