package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog"
	"natster/workloads/catalog/seal"
)

// download opens a session, or starts a push for a client that does not ask for protocol 2.
func (s *Server) download(ctx context.Context, r request) (any, func(), error) {
	q, err := decode[catalog.DownloadRequest](r.body)
	switch {
	case err != nil:
		return nil, nil, err
	case q.Hash.IsZero():
		return nil, nil, api.Errorf(api.ErrBadRequest, "no hash is asked for")
	}
	if err := seal.CheckPublic(q.Target); err != nil {
		return nil, nil, api.Errorf(api.ErrBadRequest, "target_xkey: %v", err)
	}
	if q.Protocol != catalog.Protocol2 {
		return s.push(ctx, r, q)
	}
	if err := s.reserve(r.caller); err != nil {
		return nil, nil, err
	}
	opened := false // also if a panic is in the way
	defer func() {
		if !opened {
			s.sessions.open.Leave(r.caller)
		}
	}()
	x, a, err := s.open(r, q)
	if err != nil {
		return nil, nil, err
	}
	opened = true
	s.sessions.put(x)
	if err := s.shares.allows(x.edge()); err != nil { // taken back while we opened it: endUnshared did not find it
		s.drop(x, seal.End{Code: int(api.CodeForbidden), Error: err.Error()})
		return nil, nil, err
	}
	s.observe(Activity{
		Caller: r.caller, Catalog: x.catalog, Verb: events.VerbDownload, Hash: q.Hash, Size: x.layout.Size,
	})
	return a, nil, nil
}

// open makes the session that q asks for.
func (s *Server) open(r request, q catalog.DownloadRequest) (x *session, a catalog.DownloadReply, err error) {
	file, err := openFile(r.library, q.Hash)
	if err != nil {
		return nil, a, err
	}
	defer func() {
		if err != nil {
			_ = file.Close()
		}
	}()
	key, err := seal.NewKey()
	if err != nil {
		return nil, a, err
	}
	defer key.Wipe()
	layout := seal.Layout{
		Size:      file.Size(),
		ChunkSize: min(seal.FitChunk(q.ChunkSize, s.nc.MaxPayload()), s.limits.ChunkSize),
	}
	h := seal.NewHeader(seal.Binding{
		Session: seal.NewSession(), Catalog: r.library.Name(), Hash: q.Hash, Layout: layout,
		Owner: s.account, Receiver: cmp.Or(r.caller, s.account), Target: q.Target, Sender: key.Public(),
	})
	sealed, err := h.Seal(key, nil)
	if err != nil {
		return nil, a, err
	}
	sender, err := seal.NewSender(h)
	if err != nil {
		return nil, a, err
	}
	x = &session{
		id: h.Session, caller: r.caller, catalog: h.Catalog, hash: q.Hash,
		subject: events.MediaSubject(r.caller, h.Catalog, h.Session),
		layout:  layout, file: file, sender: sender, lastUsed: time.Now(), unproved: make(unproved),
	}
	return x, catalog.DownloadReply{
		Acknowledged: true, ChunkSize: layout.ChunkSize, TotalChunks: layout.Chunks(), TotalBytes: layout.Size,
		Sender: key.Public(), Protocol: catalog.Protocol2, Session: h.Session, Instance: s.instance, Header: sealed,
	}, nil
}

// openFile opens a library's file; errors are those of the wire.
func openFile(l Library, h events.Hash) (catalog.File, error) {
	f, err := l.OpenFile(h)
	return f, fileError(l.Name(), h, err)
}

// fileError is err, of a library about a file, as the receiver is told; what is internal is for its owner to know.
func fileError(c events.Catalog, h events.Hash, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, catalog.ErrNotFound):
		return api.Errorf(api.ErrNotFound, "%s has no file %s", c, h.Short())
	case errors.Is(err, catalog.ErrChanged):
		return api.Errorf(api.ErrGone, "file %s of %s changed or is gone", h.Short(), c)
	case errors.Is(err, catalog.ErrAway):
		return api.Errorf(api.ErrAway, "the owner's disk is away, or cannot be read: try again later")
	}
	plain := api.Errorf(api.ErrInternal, "the file cannot be read")
	return fmt.Errorf("file %s of %s: %w: %w", h.Short(), c, plain, err)
}

// fetch queues chunks of a session, and answers at once.
func (s *Server) fetch(_ context.Context, r request) (any, func(), error) {
	q, err := decode[catalog.FetchRequest](r.body)
	if err != nil {
		return nil, nil, err
	}
	x := s.sessions.find(q.Session, r)
	if x == nil {
		return nil, nil, api.Errorf(api.ErrNotFound, "no such session: it expired, or the server was restarted")
	}
	n, err := countChunks(q.Chunks, x.layout.Chunks())
	if err != nil {
		return nil, nil, err
	}
	s.prove(x, q.Got)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over != nil {
		return nil, nil, &api.Error{Code: api.Code(x.over.Code), Message: x.over.Error}
	}
	x.lastUsed = time.Now()
	if x.pending+n > s.limits.Pending {
		return nil, nil, api.Errorf(api.ErrTooMany, "%d chunks of this session are still to be sent", x.pending)
	}
	for _, c := range q.Chunks {
		x.todo = append(x.todo, span{c[0], c[1]})
	}
	x.pending += n
	going := catalog.FetchReply{Going: n}
	if x.pending == 0 || x.queued {
		return going, nil, nil
	}
	x.queued = true
	return going, func() { s.pump.push(x) }, nil // after the reply: it must not wait behind its chunks
}

// prove lets the session's account have as much more as it proves to have got.
func (s *Server) prove(x *session, got catalog.Proofs) {
	if bytes := x.prove(got); bytes > 0 {
		s.credit.giveBack(x.caller, bytes)
		s.pump.resume()
	}
}

// countChunks is how many chunks are asked for, of a file that has total, or why that cannot be asked.
func countChunks(ranges [][2]int64, total int64) (n int, err error) {
	if len(ranges) > catalog.MaxFetchRanges {
		return 0, api.Errorf(api.ErrBadRequest, "%d ranges; %d is the most", len(ranges), catalog.MaxFetchRanges)
	}
	for _, r := range ranges {
		first, count := r[0], r[1]
		if first < 0 || count < 1 || first >= total || count > total-first {
			return 0, api.Errorf(api.ErrBadRequest, "chunks %d+%d are not in a file of %d", first, count, total)
		}
		if count > catalog.MaxFetchChunks-int64(n) {
			return 0, api.Errorf(api.ErrBadRequest, "%d chunks is the most of one request", catalog.MaxFetchChunks)
		}
		n += int(count)
	}
	return n, nil
}

// close ends a session early. One that is not there is no error: that is what was wanted.
func (s *Server) close(_ context.Context, r request) (any, func(), error) {
	q, err := decode[catalog.CloseRequest](r.body)
	if err != nil {
		return nil, nil, err
	}
	if x := s.sessions.find(q.Session, r); x != nil {
		s.prove(x, q.Got)
		s.drop(x, seal.End{Code: codeStopped, Error: "closed by the receiver"})
		s.sessions.forget(x)
	}
	return nil, nil, nil
}
