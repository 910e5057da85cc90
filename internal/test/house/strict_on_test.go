//go:build strict

package house

const strict = true // for those who tidy up: go test -tags strict ./internal/test/house
