package library

import (
	"cmp"
	"context"
	"crypto/sha256"
	"hash"
	"io"
	"log/slog"
	"os"
	"path"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"natster/events"
	"natster/internal/backoff"
	"natster/internal/supervise"
)

const (
	readSize    = 256 << 10 // bytes a read asks for: one buffer of each worker, reused
	jobFiles    = 64        // files of one directory that a worker takes at a time,
	jobBytes    = 8 << 20   // unless they are larger than this together
	largeJob    = 64 << 20  // bytes from which a job is begun before all smaller ones
	hashRetries = 3         // readings of a file that changes under the reader, before it is left to settle
)

// hashed is what became of a found file.
type hashed struct {
	found  // with the stamp that belongs to the hash
	state  hashState
	hash   events.Hash
	mime   string
	reason Reason // why it is refused
	detail string
}

type hashState byte

const (
	unread hashState = iota // not reached: the scan was cancelled
	read
	gone
	refused
)

func (f *hashed) refuse(r Reason, detail string) { f.state, f.reason, f.detail = refused, r, detail }

// A hasher reads files and finds their SHA-256 and type.
type hasher struct {
	root  *os.Root
	meter *meter
	log   *slog.Logger
	hooks hooks
}

// all hashes files, sorted by path, in place, with as many workers as there are processors. It returns early when ctx
// is done; the files not reached stay unread.
func (h *hasher) all(ctx context.Context, files []hashed) {
	jobs := splitJobs(files)
	inParallel(ctx, len(jobs), func() func(int) {
		w := &hashWorker{hasher: h, buf: make([]byte, readSize), sum: sha256.New()}
		return func(i int) { w.job(ctx, jobs[i].files) }
	})
}

// inParallel does each of n tasks, by as many goroutines as there are processors, until ctx is done. A goroutine does
// its tasks with what worker returns to it.
func inParallel(ctx context.Context, n int, worker func() func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		wg.Go(func() {
			do := worker()
			for i := next.Add(1) - 1; i < int64(n) && ctx.Err() == nil; i = next.Add(1) - 1 {
				do(int(i))
			}
		})
	}
	wg.Wait()
}

// A job is what a worker hashes at a time.
type job struct {
	files []hashed // of one directory
	bytes int64
}

// splitJobs cuts files into jobs of one directory each, so that a worker opens the directory once. The largest come
// first: the last worker to finish should not then begin a long film.
func splitJobs(files []hashed) (jobs []job) {
	start := 0
	var size int64
	for i := range files {
		size += files[i].stamp.size
		if end := i + 1; end == len(files) || end-start == jobFiles || size >= jobBytes ||
			path.Dir(files[end].path) != path.Dir(files[i].path) {
			jobs = append(jobs, job{files[start:end], size})
			start, size = end, 0
		}
	}
	large := func(j job) int64 { return j.bytes / largeJob }
	slices.SortStableFunc(jobs, func(a, b job) int { return cmp.Compare(large(b), large(a)) })
	return jobs
}

type hashWorker struct {
	*hasher
	buf []byte
	sum hash.Hash
}

func (w *hashWorker) job(ctx context.Context, files []hashed) {
	dir := path.Dir(files[0].path)
	in := w.root
	if sub, err := w.root.OpenRoot(dir); err == nil {
		defer sub.Close()
		in = sub
	}
	for i := range files {
		if ctx.Err() != nil {
			return
		}
		f := &files[i]
		if err := w.contained(ctx, f, in); err != nil {
			f.refuse(Unreadable, err.Error())
		}
		if f.state != unread {
			w.meter.count(f.path, 1, 0)
		}
	}
}

// contained reads f, which lies in the directory in. A panic concerns no other file.
func (w *hashWorker) contained(ctx context.Context, f *hashed, in *os.Root) (err error) {
	defer supervise.Contain(w.log, &err)
	w.hooks.onOpen(f.path)
	if in == w.root || f.link { // a link may lead out of its own directory
		w.file(ctx, f, w.root, f.path)
	} else {
		w.file(ctx, f, in, path.Base(f.path))
	}
	return nil
}

func (w *hashWorker) file(ctx context.Context, f *hashed, in *os.Root, name string) {
	file, err := in.OpenFile(name, openFlags, 0)
	switch {
	case err != nil && isMissing(err):
		f.state = gone
		return
	case err != nil:
		f.refuse(Unreadable, reasonOf(err))
		return
	}
	defer file.Close()
	before, ok := f.look(file)
	if !ok {
		return
	}
	drifts := false
	for range hashRetries {
		if backoff.Sleep(ctx, before.readable(time.Now())) != nil {
			return
		}
		if err := w.read(ctx, f, file, before.size); err != nil {
			if ctx.Err() == nil {
				f.refuse(Unreadable, reasonOf(err))
			}
			return
		}
		w.hooks.onRead(f.path)
		after, ok := f.look(file)
		switch {
		case !ok:
			return
		case after == before:
			f.state, f.stamp = read, after
			return
		}
		drifts = before.like(after) // on a file system whose ctime means nothing
		before = after
	}
	if drifts {
		before.ctime = 0
		f.state, f.stamp = read, before
		return
	}
	f.refuse(Writing, "")
}

// look returns the stamp of the open file. Only a regular file may be read: any other could block, or never end.
func (f *hashed) look(file *os.File) (stamp, bool) {
	fi, err := file.Stat()
	switch {
	case err != nil:
		f.refuse(Unreadable, reasonOf(err))
	case !fi.Mode().IsRegular():
		f.refuse(Special, "")
	default:
		return stampOf(fi), true
	}
	return stamp{}, false
}

// read hashes the first size bytes of file. A file that is shorter meanwhile gives no error: its stamp differs.
func (w *hashWorker) read(ctx context.Context, f *hashed, file *os.File, size int64) error {
	w.sum.Reset()
	f.mime = ""
	for at := int64(0); at < size; {
		n, err := file.ReadAt(w.buf[:min(size-at, readSize)], at)
		if f.mime == "" && n > 0 {
			f.mime = mimeOf(f.path, file, w.buf[:n])
		}
		w.sum.Write(w.buf[:n])
		w.meter.count(f.path, 0, int64(n))
		at += int64(n)
		if err == io.EOF {
			break
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
	if f.mime == "" {
		f.mime = mimeType(f.path, nil)
	}
	w.sum.Sum(f.hash[:0])
	return nil
}

// hooks let tests act between two steps.
type hooks struct {
	onOpen func(path string) // before a file is opened to be hashed
	onRead func(path string) // after it is read, before it is looked at again
	watch  func() (watcher, error)
	disks  func(path string) disk // of what is mounted there, if it is more than a directory
}

func (h hooks) withDefaults() hooks {
	if h.onOpen == nil {
		h.onOpen = func(string) {}
	}
	if h.onRead == nil {
		h.onRead = func(string) {}
	}
	if h.watch == nil {
		h.watch = newWatcher
	}
	if h.disks == nil {
		h.disks = func(string) disk { return "" }
	}
	return h
}
