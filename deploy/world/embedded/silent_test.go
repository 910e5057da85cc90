package embedded_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"natster/internal/test/wait"
)

// Anybody who reaches the port can hold as many connections as the server has descriptors.
func TestWhoNeverAsksForAWebSocketIsCut(t *testing.T) {
	t.Parallel()
	w := bare(t)
	waiting := make(map[string]net.Conn)
	for _, says := range []string{"", "GET / HTTP/1.1\r\n"} {
		nc, err := net.Dial("tcp", strings.TrimPrefix(w.WebSocketURL(), "ws://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = nc.Close() }) // the server was first
		_, err = io.WriteString(nc, says)
		if err := errors.Join(err, nc.SetDeadline(time.Now().Add(wait.Patience))); err != nil {
			t.Fatal(err)
		}
		waiting[says] = nc
	}
	for says, nc := range waiting {
		if _, err := io.ReadAll(nc); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("who has said %q keeps its connection", says)
		}
	}
}
