//go:build unix

package term

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// readerGone waits until f, a pipe or a socket, has no reader any more. It returns false when ctx is done first, and if
// f is something else: what runs on a terminal may go on when the terminal closes.
func readerGone(ctx context.Context, f *os.File) bool {
	if fi, err := f.Stat(); err != nil || fi.Mode()&(fs.ModeNamedPipe|fs.ModeSocket) == 0 {
		return false
	}
	end, stop, err := os.Pipe()
	if err != nil {
		return false
	}
	defer end.Close()
	defer stop.Close()
	defer context.AfterFunc(ctx, func() { _ = stop.Close() })()
	const gone = unix.POLLERR | unix.POLLHUP // told of without being asked for
	fds := []unix.PollFd{{Fd: int32(f.Fd())}, {Fd: int32(end.Fd())}}
	for {
		_, err := unix.Poll(fds, -1)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil || fds[1].Revents != 0:
			return false
		case fds[0].Revents != 0:
			return fds[0].Revents&gone != 0
		}
	}
}
