package server

import (
	"context"
	"errors"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog"
	"natster/workloads/catalog/seal"
)

// pushes are the running transfers of protocol 1, the original's: the whole file, sealed in chunks of 4096 bytes, as fast as
// the connection takes them. They are few at a time, because nothing slows them down.
type pushes struct {
	s    *Server
	sent atomic.Uint64

	mu       sync.Mutex
	running  int
	byCaller map[events.Account]int
}

func newPushes(s *Server) *pushes { return &pushes{s: s, byCaller: make(map[events.Account]int)} }

func (p *pushes) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running
}

// reserve makes room for a push to the caller, to be given back by free. Nobody may take it all.
func (p *pushes) reserve(caller events.Account) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running >= p.s.limits.Pushes || p.byCaller[caller] >= (p.s.limits.Pushes+1)/2 {
		return api.Errorf(api.ErrTooMany, "%d downloads are running, of them %d yours: try again later", p.running, p.byCaller[caller])
	}
	p.running++
	p.byCaller[caller]++
	return nil
}

func (p *pushes) free(caller events.Account) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	if p.byCaller[caller]--; p.byCaller[caller] == 0 {
		delete(p.byCaller, caller)
	}
}

// start answers q; the push begins when the reply is sent, and runs in wg.
func (p *pushes) start(ctx context.Context, wg *sync.WaitGroup, r request, q catalog.DownloadRequest) (any, func(), error) {
	if err := p.reserve(r.caller); err != nil {
		return nil, nil, err
	}
	file, err := openFile(r.library, q.Hash)
	if err != nil {
		p.free(r.caller)
		return nil, nil, err
	}
	key, err := seal.NewKey()
	if err != nil {
		p.free(r.caller)
		_ = file.Close()
		return nil, nil, err
	}
	x := &push{
		p: p, r: r, file: file, hash: q.Hash, key: key, target: q.Target,
		subject: events.MediaSubject(r.caller, r.library.Name(), q.Hash.String()),
		layout:  seal.Layout{Size: file.Size(), ChunkSize: seal.Chunk1},
	}
	// The original waits for the chunk before the total: an empty file is one empty chunk.
	x.total = max(1, x.layout.Chunks())
	reply := catalog.DownloadReply{
		Acknowledged: true, ChunkSize: seal.Chunk1, TotalChunks: x.total, Sender: key.Public(), TotalBytes: x.layout.Size,
	}
	p.s.observe(Activity{Caller: r.caller, Catalog: r.library.Name(), Verb: events.VerbDownload, Hash: q.Hash, Size: x.layout.Size})
	return reply, func() { wg.Go(func() { x.run(ctx) }) }, nil
}

type push struct {
	p       *pushes
	r       request
	file    catalog.File
	hash    events.Hash
	key     *seal.Key
	target  string
	subject string
	layout  seal.Layout
	total   int64
}

func (x *push) run(ctx context.Context) {
	log := x.p.s.log.With("catalog", x.r.library.Name(), "caller", x.r.caller.Short())
	defer x.p.free(x.r.caller)
	defer x.key.Wipe()
	defer x.file.Close()
	defer func() {
		if p := recover(); p != nil {
			log.Error("a push panicked", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	if err := x.send(ctx); err != nil && ctx.Err() == nil {
		log.Warn("a push ended early", "err", err) // protocol 1 has no way to tell the receiver
	}
}

func (x *push) send(ctx context.Context) error {
	const batch = 64 // chunks read at a time
	nc := x.p.s.nc
	buf := make([]byte, batch*seal.Chunk1)
	for i := range x.total {
		at := i % batch * seal.Chunk1
		if at == 0 {
			off := x.layout.Offset(i)
			n := min(int64(len(buf)), x.layout.Size-off)
			if err := readChunk(x.file, buf[:n], off); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		sealed, err := seal.Seal1(buf[at:at+int64(x.layout.Length(i))], x.key, x.target)
		if err != nil {
			return err
		}
		if err := x.p.s.allowed(x.r); err != nil {
			return err
		}
		m := &nats.Msg{Subject: x.subject, Data: sealed, Header: nats.Header{
			catalog.HeaderChunk:  {strconv.FormatInt(i, 10)},
			catalog.HeaderTotal:  {strconv.FormatInt(x.total, 10)},
			catalog.HeaderSender: {x.key.Public()},
		}}
		if !nc.IsConnected() {
			return errors.New("the connection was lost")
		}
		if err := nc.PublishMsg(m); err != nil {
			return err
		}
		n := x.layout.Length(i)
		x.p.sent.Add(uint64(n))
		x.p.s.observe(Activity{Caller: x.r.caller, Catalog: x.r.library.Name(), Verb: events.VerbFetch, Hash: x.hash, Size: int64(n)})
	}
	return nil
}
