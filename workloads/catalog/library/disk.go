package library

import (
	"cmp"
	"fmt"
	"os"
	"strings"
)

// A disk says which file system a directory is on, and which directory of it that is: two looks that find the same disk
// looked at the same place. Empty: there is no directory. It is kept in the catalog file, and means nothing elsewhere.
type disk string

// diskAt is the disk of the directory at path, an absolute one. It costs a look at one directory.
func diskAt(path string) disk {
	fi, err := os.Stat(path)
	if err != nil || !fi.IsDir() {
		return ""
	}
	inode, _ := inodeOf(fi)
	return disk(fmt.Sprintf("%s.%x", systemOf(path, fi), inode))
}

// diskAt is the disk at the relative path p.
func (l *Library) diskAt(p string) disk {
	d := diskAt(l.at(p))
	if d != "" {
		d = cmp.Or(l.cfg.hooks.disks(p), d)
	}
	return d
}

// system is the file system alone.
func (d disk) system() string { return string(d)[:max(0, strings.LastIndexByte(string(d), '.'))] }
