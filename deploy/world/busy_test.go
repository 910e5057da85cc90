package world_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"

	"natster/deploy/world"
)

// A busy server sends its own PING before it answers the first one of a client.
func TestAServerWithVeryMuchToDoIsConnectedToAllTheSame(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for n := 1; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, `INFO {"server_id":"X","version":"2.15.2","max_payload":1048576}`+"\r\n")
			lines := bufio.NewScanner(c)
			for lines.Scan() {
				switch {
				case !strings.HasPrefix(lines.Text(), "PING"):
				case n < 3:
					_, _ = io.WriteString(c, "PING\r\n")
				default:
					_, _ = io.WriteString(c, "PONG\r\n")
				}
			}
			_ = c.Close()
		}
	}()
	nc, err := world.Info{URL: "nats://" + l.Addr().String()}.Connect(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
}
