//go:build !linux

package cli

// sameUser reports whether this process's user has the other end of a connection. This system does not say whose it is.
func sameUser(string) bool { return true }
