package cli_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// reads counts how often files directly in some directories are opened to be read, by anybody, from now on until the
// returned function is called, which returns the counts by name.
func reads(t *testing.T, dirs ...string) func() map[string]int {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	for _, dir := range dirs {
		if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_CLOSE_NOWRITE); err != nil {
			t.Fatalf("%s: %v", dir, err)
		}
	}
	return func() map[string]int {
		counts := make(map[string]int)
		buf := make([]byte, 64<<10)
		for {
			n, err := unix.Read(fd, buf)
			if errors.Is(err, unix.EAGAIN) {
				return counts
			}
			if err != nil {
				t.Fatal(err)
			}
			for rest := buf[:n]; len(rest) > 0; { // wd, mask, cookie, length of the name, which is filled with zeros
				mask, length := binary.NativeEndian.Uint32(rest[4:]), binary.NativeEndian.Uint32(rest[12:])
				name, _, _ := bytes.Cut(rest[unix.SizeofInotifyEvent:][:length], []byte{0})
				if mask&unix.IN_ISDIR == 0 {
					counts[string(name)]++
				}
				rest = rest[unix.SizeofInotifyEvent+length:]
			}
		}
	}
}

func TestASessionReadsEachOfItsFilesOnce(t *testing.T) {
	m := newMachine(t)
	m.natster("init bob").ok()
	m.natster("init alice").ok() // in use now
	m.natster("contacts add carol " + m.Account("carol").Key.String()).ok()
	m.run("catalog", "new", "films", films(t)).ok()
	m.Initialize(m.Account("carol"))
	m.natster("share films carol").ok() // from now on there is a position to go on from
	config, data := filepath.Join(m.home, ".config/natster"), filepath.Join(m.home, ".local/share/natster")
	counts := reads(t, config, filepath.Join(config, "contexts"), filepath.Join(data, "alice/catalogs"),
		filepath.Join(data, "positions"), m.Config().Dir)
	m.natster("catalog share films bob").ok()
	read := counts()
	for _, name := range []string{"current", "alice.json", "alice.creds", "bob.json", "contacts.json", "world.json"} {
		if read[name] == 0 {
			t.Errorf("%s is not read: are these the files?", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(read)) {
		if n := read[name]; n > 1 {
			t.Errorf("%s is read %d times", name, n)
		}
	}
}
