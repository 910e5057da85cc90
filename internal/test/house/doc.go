// Package house holds the source of Natster to the rules of the house, which CONTRIBUTING.md states. It is all tests; a
// failure says where the thing belongs.
//
//	house_test.go    the source as the tests see it: files and packages
//	imports_test.go  who may import whom: the one table, and its copies in README, docs and the linter's configuration
//	maps_test.go     each package says what it is for and what is in which file
//	style_test.go    import groups, log keys, doc comments, line length
//	docs_test.go     what README, docs and comments name is there: files, functions, headings
//	deadcode_test.go what no call from cli/natster reaches is listed with a reason: make lint
//
// After a change of the table, this writes its copies:
//
//	go test ./internal/test/house -update
package house
