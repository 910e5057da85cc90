package library

import (
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// A stamp stands for a file's content between two looks at it: as long as size, time of modification and inode are the
// same, so is the content. It holds because a file is only read once its time of modification is older than [granularity]:
// any later write then shows in the time.
type stamp struct {
	size  int64
	mtime int64  // Unix nanoseconds
	inode uint64 // 0 where the system has none
}

// granularity is how coarse a file system's clock may be: two writes within it can leave the same time of modification.
// (Linux stamps with the time of the last tick, at worst 10 ms ago.)
const granularity = 20 * time.Millisecond

func stampOf(fi fs.FileInfo) stamp {
	return stamp{fi.Size(), fi.ModTime().UnixNano(), inode(fi)}
}

// settles returns how long it takes until a file with this stamp, looked at now, has not been modified for d.
func (s stamp) settles(now time.Time, d time.Duration) time.Duration {
	age := now.UnixNano() - s.mtime
	if age < 0 || age >= int64(d) { // a time in the future says nothing, and must not be waited for
		return 0
	}
	return d - time.Duration(age)
}

// text is the stamp as the catalog file keeps it, beside the size: `<mtime>.<inode>`. It is one string because JSON tools
// may round numbers of that size.
func (s stamp) text(b []byte) []byte {
	b = strconv.AppendInt(b, s.mtime, 10)
	b = append(b, '.')
	return strconv.AppendUint(b, s.inode, 10)
}

// parseStamp reads what text wrote. A stamp that cannot be read matches no file, so the file is hashed again.
func parseStamp(size int64, text string) stamp {
	m, i, _ := strings.Cut(text, ".")
	mtime, err := strconv.ParseInt(m, 10, 64)
	inode, err2 := strconv.ParseUint(i, 10, 64)
	if err != nil || err2 != nil || text == "" {
		return stamp{size: -1}
	}
	return stamp{size, mtime, inode}
}
