package cli

import (
	"bufio"
	"encoding/hex"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// sameUser reports whether this process's user has the other end of a connection, which is at addr on this machine.
// Where the system does not say whose it is, it reports true.
func sameUser(addr string) bool { return ownedBy(addr, os.Getuid()) }

func ownedBy(addr string, uid int) bool {
	at, err := netip.ParseAddrPort(addr)
	if err != nil || !at.Addr().Is4() {
		return true
	}
	table, err := os.Open("/proc/net/tcp")
	if err != nil {
		return true
	}
	defer func() { _ = table.Close() }() // it was only read
	ip := at.Addr().As4()
	want := []string{
		strings.ToUpper(hex.EncodeToString([]byte{ip[3], ip[2], ip[1], ip[0]})), // as on little-endian machines
		strings.ToUpper(hex.EncodeToString(ip[:])),
	}
	for lines := bufio.NewScanner(table); lines.Scan(); {
		const local, user = 1, 7
		f := strings.Fields(lines.Text())
		if len(f) <= user {
			continue
		}
		host, port, _ := strings.Cut(f[local], ":")
		n, err := strconv.ParseUint(port, 16, 16)
		if err != nil || uint16(n) != at.Port() || host != want[0] && host != want[1] {
			continue
		}
		return f[user] == strconv.Itoa(uid)
	}
	return false
}
