//go:build !unix

package library

import (
	"io/fs"
	"os"
)

func systemOf(string, fs.FileInfo) string { return "" }
func isMount(*os.File) bool               { return false }
