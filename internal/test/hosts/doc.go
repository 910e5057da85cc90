// Package hosts holds what runs functions and serves catalogs to one behaviour: it has a table of how a function can
// fail, and one of how a catalog can, and runs each on every host: the embedded world, the nexlet and, for catalogs,
// the command.
//
//	hosts_test.go         how functions fail: the table and its one test
//	start_test.go         the hosts of functions: how each is started, read and stopped
//	catalogs_test.go      how catalogs fail: the table and its one test
//	cataloghosts_test.go  the hosts of catalogs, and where they differ
package hosts
