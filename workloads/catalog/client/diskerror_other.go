//go:build !windows

package client

import "syscall"

func badNameHere(syscall.Errno) bool { return false }
