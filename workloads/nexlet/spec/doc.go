// Package spec says what a workload of type "natster" is started with: the start request inside a Nex deploy, written in
// Nexfiles, sent by `natster deploy`, checked by Nex nodes, read by the nexlet. It does no I/O.
//
//	start.go    Start: a function or a catalog, and how; Parse refuses what cannot be
//	schema.go   the JSON Schema of Start, generated from the type
//	sealed.go   an environment that only the nexlet can read, and only for the workload that it was sealed for
package spec
