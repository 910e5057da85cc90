// Package loopback tells addresses of this machine from others.
//
//	loopback.go  Host, Addr
package loopback

import "net"

// Host reports whether host, a name or an IP address without a port, is this machine: "localhost" or a loopback
// address.
func Host(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Addr reports whether addr, host:port as listeners and requests have it, is on this machine.
func Addr(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	return err == nil && Host(host)
}
