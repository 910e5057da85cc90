// Package logtest makes logs for tests and measurements: any number of events that the eventwriter could have written,
// the same for the same [Shape], and fast.
//
//	logtest.go    Shape, and the events of a log of that shape
//	fill.go       putting them into a log, fast
//	introduce.go  initializing accounts in a log that lives
//	rows.go       a log given as rows
package logtest
