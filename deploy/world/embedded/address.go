package embedded

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
)

// defaultWebSocketPort is to browsers what [accounts.DefaultPort] is to other clients.
const defaultWebSocketPort = 7480

// ErrAddress is wrapped by errors about an address to listen on.
var ErrAddress = errors.New("not an address to listen on (host:port)")

// An address is where to listen; port -1 is any free one.
type address struct {
	host string
	port int
}

// choose decides where to listen. A port in listen is used. Without one, or with 0, it takes the port that the world
// had last time (in lastURL), so that clients find it again; then, if listen is empty, the preferred port; then any.
func choose(listen, lastURL string, preferred int) (address, error) {
	if listen == "" {
		listen = "127.0.0.1:0"
	} else {
		preferred = 0
	}
	host, portText, err := net.SplitHostPort(listen)
	port, notNumber := strconv.Atoi(portText)
	if err != nil || notNumber != nil || port < 0 || port > 65535 {
		return address{}, fmt.Errorf("%q: %w", listen, ErrAddress)
	}
	host = cmp.Or(host, "0.0.0.0")
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

// portOf returns the port in a URL, or 0.
func portOf(rawURL string) (port int) {
	if u, err := url.Parse(rawURL); err == nil {
		port, _ = strconv.Atoi(u.Port())
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

// localURL returns the URL at which this machine reaches a listener on host and port.
func localURL(scheme, host string, port int) string {
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(port))
}
