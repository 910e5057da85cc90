package server

import (
	"context"
	"errors"
	"strconv"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/internal/supervise"
	"natster/workloads/catalog"
	"natster/workloads/catalog/seal"
)

// A push is a running transfer of protocol 1, the original's: the whole file, sealed in chunks of 4096 bytes, as fast
// as the connection takes them. Pushes are few at a time, because nothing slows them down.
type push struct {
	s       *Server
	r       request
	file    catalog.File
	key     *seal.Key
	target  string
	subject string
	layout  seal.Layout
	total   int64
	about   Activity // its beginning
}

// push answers q; the push begins when the reply is sent.
func (s *Server) push(ctx context.Context, r request, q catalog.DownloadRequest) (any, func(), error) {
	if !s.pushes.Enter(r.caller) {
		return nil, nil, tooMany(s.pushes, r.caller)
	}
	going := false // also if a panic is in the way
	defer func() {
		if !going {
			s.pushes.Leave(r.caller)
		}
	}()
	file, err := openFile(r.library, q.Hash)
	if err != nil {
		return nil, nil, err
	}
	key, err := seal.NewKey()
	if err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	x := &push{
		s: s, r: r, file: file, key: key, target: q.Target,
		subject: events.MediaSubject(r.caller, r.library.Name(), q.Hash.String()),
		layout:  seal.Layout{Size: file.Size(), ChunkSize: seal.Chunk1},
	}
	x.about = Activity{
		Caller: r.caller, Catalog: r.library.Name(), Verb: events.VerbDownload, Hash: q.Hash, Size: x.layout.Size,
	}
	// The original waits for the chunk before the total: an empty file is one empty chunk.
	x.total = max(1, x.layout.Chunks())
	s.observe(x.about)
	going = true
	return catalog.DownloadReply{
		Acknowledged: true, ChunkSize: seal.Chunk1, TotalChunks: x.total, TotalBytes: x.layout.Size,
		Sender: key.Public(),
	}, func() { s.work.Go(func() { x.run(ctx) }) }, nil
}

func (x *push) run(ctx context.Context) {
	defer x.s.pushes.Leave(x.r.caller)
	defer x.key.Wipe()
	defer x.file.Close()
	if err := x.send(ctx); err != nil && ctx.Err() == nil {
		// Protocol 1 has no way to tell the receiver.
		x.s.log.Warn("a push ended early", "catalog", x.about.Catalog, "caller", x.r.caller.Short(), "err", err)
	}
}

func (x *push) send(ctx context.Context) (err error) {
	defer supervise.Contain(x.s.log, &err)
	const batch = 64 // chunks read at a time
	nc := x.s.nc
	buf := make([]byte, min(batch, x.s.limits.ChunkSize/seal.Chunk1)*seal.Chunk1)
	for i := range x.total {
		at := i * seal.Chunk1 % int64(len(buf))
		if at == 0 {
			off := x.layout.Offset(i)
			n := min(int64(len(buf)), x.layout.Size-off)
			if err := x.s.pump.turn(ctx, x.r.caller, int(n)); err != nil {
				return err
			}
			if err := readChunk(x.file, buf[:n], off); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n := x.layout.Length(i)
		if err := x.s.credit.push(ctx, x.r.caller, n); err != nil {
			return err
		}
		sealed, err := seal.Seal1(buf[at:at+int64(n)], x.key, x.target)
		if err != nil {
			return err
		}
		if err := x.s.shares.allows(x.r.edge()); err != nil {
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
		x.s.wasSent(x.about, n)
	}
	return nil
}
