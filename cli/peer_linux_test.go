package cli

import (
	"net"
	"os"
	"testing"
)

func TestTheOtherEndOfAConnectionIsItsUsers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	at := c.LocalAddr().String()
	if !sameUser(at) || ownedBy(at, os.Getuid()+1) {
		t.Errorf("%s is not this user's: %v; it is another's: %v", at, !sameUser(at), ownedBy(at, os.Getuid()+1))
	}
	_ = c.Close()
	if nobody := "127.0.0.77:1"; ownedBy(nobody, os.Getuid()) {
		t.Errorf("%s is somebody's", nobody)
	}
}
