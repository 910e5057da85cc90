// Package term is what a command of natster writes: results on stdout, everything else on stderr, for a person or as
// JSON.
//
//	printer.go   Printer: results, notes and listings, for a person or as JSON
//	output.go    Output: a stream that remembers what could not be written
//	reader_*.go  whether a pipe has lost its reader
//	style.go     Style: colours, and how large a terminal is
//	bar.go       Bar: progress on stderr
//	speed.go     Speed: how fast something grows
//	table.go     Table: a listing
//	text.go      sizes, rates and numbers, and text of others, for a person
//
// Progress and colours are only on a terminal; there are no colours with NO_COLOR.
package term
