package loopback_test

import (
	"net"
	"testing"

	"natster/internal/loopback"
)

func TestOnlyThisMachineIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "127.1.2.3": true, "::1": true, "::ffff:127.0.0.1": true,
		"": false, "0.0.0.0": false, "::": false, "10.0.0.1": false, "128.0.0.1": false, "example.org": false,
		"localhost.example.org": false, "127.0.0.1.example.org": false, "127.0.0.1:80": false, "[::1]": false,
	} {
		if got := loopback.Host(host); got != want {
			t.Errorf("Host(%q) = %v", host, got)
		}
		if got := loopback.Addr(net.JoinHostPort(host, "7422")); host != "[::1]" && got != want {
			t.Errorf("Addr of %q = %v", host, got)
		}
	}
	for _, addr := range []string{"", "127.0.0.1", "localhost", "::1"} {
		if loopback.Addr(addr) {
			t.Errorf("Addr(%q), which has no port", addr)
		}
	}
}
