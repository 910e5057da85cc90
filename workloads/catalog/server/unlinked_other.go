//go:build !unix

package server

import "io/fs"

// unlinked cannot be known here; the library's own look at the directory finds it out.
func unlinked(fs.FileInfo) bool { return false }
