// Package hosts holds what runs functions, the embedded world and the nexlet, to one behaviour: it has one table of how
// a function can fail, and runs it on each of them.
//
//	hosts_test.go  the table and its one test
//	start_test.go  the hosts: how each is started, read and stopped
package hosts
