package library

import (
	"io/fs"
	"math"
	"strconv"
	"strings"
	"time"
)

// A stamp stands for a file's content between two looks at it: as long as size, times and inode are the same, so is the
// content. It holds because a file is only read once its times are older than [granularity]: any later write then shows
// in them. Every program can set the time of modification, and tag editors and archives set it back; only the
// system sets the time of the last change.
type stamp struct {
	size  int64
	mtime int64  // Unix nanoseconds
	ctime int64  // Unix nanoseconds of the last change of content, name or rights; 0 where the system has none
	inode uint64 // 0 where the system has none
}

// granularity is how coarse a file system's clock may be: two writes within it can leave the same time of modification.
// (Linux stamps with the time of the last tick, at worst 10 ms ago.)
const granularity = 20 * time.Millisecond

func stampOf(fi fs.FileInfo) stamp {
	inode, ctime := inodeOf(fi)
	return stamp{fi.Size(), nanoseconds(fi.ModTime()), ctime, inode}
}

// nanoseconds is t in Unix nanoseconds, or the nearest that there is: they end in 2262.
func nanoseconds(t time.Time) int64 {
	switch s := t.Unix(); {
	case s > math.MaxInt64/int64(time.Second)-1:
		return math.MaxInt64
	case s < math.MinInt64/int64(time.Second)+1:
		return math.MinInt64
	}
	return t.UnixNano()
}

// is reports whether a file that was known by s and has the stamp now is certainly what it was. Stamps from before the
// time of the last change was kept are believed where that time is the modification's: then no program has set that.
func (s stamp) is(now stamp) bool {
	return s == now || s.ctime == 0 && s.like(now) && now.ctime == now.mtime
}

// like reports whether only the time of the last change sets the two apart: the content is probably the same.
func (s stamp) like(now stamp) bool {
	s.ctime = now.ctime
	return s == now
}

// seconds is the time of modification as a listing has it; 0, not known, where nanoseconds do not reach.
func (s stamp) seconds() int64 {
	if s.mtime == math.MaxInt64 || s.mtime == math.MinInt64 {
		return 0
	}
	return time.Unix(0, s.mtime).Unix()
}

// readable returns how long it takes until a change after a look at now shows in the stamp.
func (s stamp) readable(now time.Time) time.Duration {
	return max(untilOlder(s.mtime, now, granularity), untilOlder(s.ctime, now, granularity))
}

// untilOlder returns how long it takes from now until t, in Unix nanoseconds, is d ago.
func untilOlder(t int64, now time.Time, d time.Duration) time.Duration {
	age := now.UnixNano() - t
	if age < 0 || age >= int64(d) { // a time in the future says nothing, and must not be waited for
		return 0
	}
	return d - time.Duration(age)
}

// text is the stamp as the catalog file keeps it, beside the size: `<mtime>.<inode>.<ctime>`. It is one string because
// JSON tools may round numbers of that size.
func (s stamp) text(b []byte) []byte {
	b = strconv.AppendInt(b, s.mtime, 10)
	b = append(b, '.')
	b = strconv.AppendUint(b, s.inode, 10)
	b = append(b, '.')
	return strconv.AppendInt(b, s.ctime, 10)
}

// parseStamp reads what text wrote, now or before it had a ctime. A stamp that cannot be read matches no file, so the
// file is hashed again.
func parseStamp(size int64, text string) stamp {
	m, rest, _ := strings.Cut(text, ".")
	i, c, dated := strings.Cut(rest, ".")
	mtime, err := strconv.ParseInt(m, 10, 64)
	inode, err2 := strconv.ParseUint(i, 10, 64)
	var ctime int64
	var err3 error
	if dated {
		ctime, err3 = strconv.ParseInt(c, 10, 64)
	}
	if err != nil || err2 != nil || err3 != nil {
		return stamp{size: -1}
	}
	return stamp{size, mtime, ctime, inode}
}
