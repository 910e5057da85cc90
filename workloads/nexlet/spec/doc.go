// Package spec defines the start request of workloads of type "natster". Nexfiles contain it, `natster deploy` sends
// it, Nex nodes check it, the nexlet reads it. The package does no I/O.
//
//	start.go    Start: a function or a catalog, and its configuration; Parse refuses what is not valid
//	schema.go   the JSON Schema of Start, generated from the type
//	sealed.go   an environment that only the nexlet can open, and only for the workload that it was sealed for
package spec
