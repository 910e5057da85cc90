package embedded

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"

	"natster/internal/loopback"
)

// Ports that a world prefers when Config leaves the choice to it and they are free.
const (
	DefaultPort          = 7422
	DefaultWebSocketPort = 7480
)

// ErrAddress is wrapped by errors about an address to listen on.
var ErrAddress = errors.New("not an address to listen on (host:port)")

// An address is where to listen; port -1 is any.
type address struct {
	host string
	port int
}

func (a address) loopback() bool { return loopback.Host(a.host) }

// choose decides where to listen. A wish with a port is an order. Without one, the port that the world had last time
// (in lastURL) comes first, so that what clients remember stays true; then, for an empty wish, the preferred port; then
// any.
func choose(wish, lastURL string, preferred int) (address, error) {
	if wish == "" {
		wish = "127.0.0.1:0"
	} else {
		preferred = 0
	}
	host, portText, err := net.SplitHostPort(wish)
	if err != nil {
		return address{}, fmt.Errorf("%q: %w", wish, ErrAddress)
	}
	port, err := strconv.Atoi(portText)
	if err != nil || port < 0 || port > 65535 {
		return address{}, fmt.Errorf("%q: %w", wish, ErrAddress)
	}
	if host == "" {
		host = "0.0.0.0"
	}
	if port != 0 {
		return address{host, port}, nil
	}
	for _, p := range []int{portOf(lastURL), preferred} {
		if p > 0 && free(address{host, p}) {
			return address{host, p}, nil
		}
	}
	return address{host, -1}, nil
}

func portOf(rawURL string) int {
	u, err := url.Parse(rawURL)
	if err != nil {
		return 0
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		return 0
	}
	return port
}

func free(a address) bool {
	l, err := net.Listen("tcp", net.JoinHostPort(a.host, strconv.Itoa(a.port)))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// localURL is how this machine reaches a listener on host and port.
func localURL(scheme, host string, port int) string {
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(port))
}
