//go:build unix

package embedded

import "golang.org/x/sys/unix"

// freeSpace is how many bytes are free on the disk of dir for us; none if no more files can be made there.
func freeSpace(dir string) (uint64, error) {
	const fewFiles = 64
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	if s.Files > 0 && s.Ffree < fewFiles {
		return 0, nil
	}
	return uint64(s.Bavail) * uint64(s.Bsize), nil
}
