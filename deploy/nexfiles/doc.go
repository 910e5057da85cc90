// Package nexfiles holds a Nexfile for each function and one for a catalog, so that the stock CLI can start them:
//
//	nex --config nex.json --namespace natster workload start -f deploy/nexfiles/otc.yaml
//
// The files are made from the functions' declarations, and a test sees that they are up to date. After a change:
//
//	go test ./deploy/nexfiles -update
//
//	nexfiles.go  Files: what the files ought to be
package nexfiles
