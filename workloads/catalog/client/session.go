package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/workloads/catalog"
	"natster/workloads/catalog/seal"
)

// A source is a file to read.
type source struct {
	catalog events.Catalog // by its name in this account
	origin  Origin
	hash    events.Hash
	size    int64
}

// A session is an open session of protocol 2, with its subscriptions.
type session struct {
	c        *Client
	src      source // with the owner that the header proves
	id       string
	instance string // of the server that has the session; empty: it does not say
	layout   seal.Layout
	receiver *seal.Receiver
	inbox    string
	subs     []*nats.Subscription

	mu  sync.Mutex
	got catalog.Proofs // of frames that arrived, and that the server was not told of yet
}

// A push is a reply to a request for a file. From a server of protocol 1, which sends the file unasked, sub has its
// messages.
type push struct {
	src   source
	reply catalog.DownloadReply
	key   *seal.Key
	sub   *nats.Subscription // nil, or until the context ends
	stop  func() bool
}

// askDownload asks for src. It listens for a push, if one is expected, before it asks.
func (c *Client) askDownload(
	ctx context.Context, src source, q catalog.DownloadRequest, expectPush bool,
) (*push, error) {
	key, err := c.seams.key()
	if err != nil {
		return nil, err
	}
	x := &push{src: src, key: key}
	if expectPush {
		x.sub, err = c.Conn.SubscribeSync(events.MediaSubject(events.Account{}, src.catalog, src.hash.String()))
		if err == nil {
			err = x.sub.SetPendingLimits(pushMessages, pushPending)
		}
	}
	x.stop = context.AfterFunc(ctx, func() { _ = x.sub.Unsubscribe() })
	if err == nil {
		q.Hash, q.Target = src.hash, key.Public()
		err = c.ask(ctx, src.catalog, events.VerbDownload, q, &x.reply)
	}
	if err != nil {
		x.end()
		return nil, err
	}
	return x, nil
}

func (x *push) end() {
	x.stop()
	_ = x.sub.Unsubscribe()
	x.key.Wipe()
}

// openSession opens a session about src. A server of protocol 1 pushes the file instead: openSession returns the push
// if takePush is set, and otherwise [ErrNoRandomAccess].
func (c *Client) openSession(ctx context.Context, src source, chunkSize int, takePush bool) (*session, *push, error) {
	q := catalog.DownloadRequest{Protocol: catalog.Protocol2, ChunkSize: chunkSize}
	if c.seams.protocol1 {
		q = catalog.DownloadRequest{}
	}
	known, _ := c.speaks2.Load(src.catalog)
	x, err := c.askDownload(ctx, src, q, takePush && known != true)
	if err != nil {
		return nil, nil, err
	}
	c.speaks2.Store(src.catalog, x.reply.Protocol == catalog.Protocol2)
	if x.reply.Protocol == catalog.Protocol2 {
		defer x.end()
		s, err := c.newSession(src, x.key, x.reply)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w: %w", src.catalog, ErrImpostor, err)
		}
		return s, nil, nil
	}
	if x.sub != nil {
		return nil, x, nil
	}
	x.end()
	if takePush {
		return nil, nil, fmt.Errorf("%s: %w: its server speaks another protocol now", src.catalog, ErrOffline)
	}
	return nil, nil, fmt.Errorf("%s: %w", src.catalog, ErrNoRandomAccess)
}

// newSession returns the session that a reply opens. Everything that its frames are bound to has been checked against
// what was asked for.
func (c *Client) newSession(src source, key *seal.Key, a catalog.DownloadReply) (*session, error) {
	layout := seal.Layout{Size: a.TotalBytes, ChunkSize: a.ChunkSize}
	if err := layout.Check(); err != nil {
		return nil, err
	}
	if layout.ChunkSize < seal.MinChunk { // the memory for a chunk beyond its bytes must not matter
		return nil, fmt.Errorf("chunks of %d bytes: %w", layout.ChunkSize, seal.ErrLayout)
	}
	if a.Instance != "" && seal.CheckSession(a.Instance) != nil { // it becomes part of a subject
		return nil, errors.New("its instance has no name that a subject could have")
	}
	if layout.Size != src.size {
		return nil, fmt.Errorf("%d bytes instead of the %d that were listed", layout.Size, src.size)
	}
	h, err := seal.OpenHeader(a.Header, key, seal.Binding{
		Session: a.Session, Catalog: src.origin.Catalog, Hash: src.hash, Layout: layout,
		Owner: src.origin.Owner, Receiver: c.Account, Sender: a.Sender,
	})
	if err != nil {
		return nil, err
	}
	r, err := seal.NewReceiver(h)
	if err != nil {
		return nil, err
	}
	src.origin.Owner = h.Owner
	return &session{c: c, src: src, id: h.Session, instance: a.Instance, layout: layout, receiver: r}, nil
}

// listen subscribes to the session's frames and to the answers to its fetches. At most pending bytes of either wait to
// be handled.
func (s *session) listen(pending int, frame, answer func(*nats.Msg)) error {
	s.inbox = s.c.Conn.NewInbox()
	media := events.MediaSubject(events.Account{}, s.src.catalog, s.id)
	for subject, handle := range map[string]func(*nats.Msg){media: frame, s.inbox: answer} {
		sub, err := s.c.Conn.Subscribe(subject, handle)
		if err == nil {
			s.subs = append(s.subs, sub)
			err = sub.SetPendingLimits(1<<12, pending) // small messages need more memory than their bytes
		}
		if err != nil {
			return fmt.Errorf("subscribe %s: %w", subject, err)
		}
	}
	return nil
}

func (s *session) subject(verb string) string {
	return events.CatalogSubject(s.src.catalog, catalog.AtInstance(verb, s.instance))
}

// arrived notes that a frame arrived, for the next request to prove it.
func (s *session) arrived(counter uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.got) < catalog.MaxProofs {
		s.got = append(s.got, counter)
	}
}

// enough is how many bytes that arrived are worth telling the server of while nothing is asked for.
const enough = 256 << 10

// settle tells the server what arrived, when nothing more is asked for.
func (s *session) settle() error {
	s.mu.Lock()
	some := len(s.got)*s.layout.ChunkSize >= enough
	s.mu.Unlock()
	if !some {
		return nil // the next request says it, or the last
	}
	body, err := json.Marshal(catalog.FetchRequest{Session: s.id, Chunks: [][2]int64{}, Got: s.proofs()})
	if err != nil {
		return err
	}
	return s.c.Conn.Publish(s.subject(events.VerbFetch), body)
}

// proofs are what the server is to be told now.
func (s *session) proofs() (got catalog.Proofs) {
	s.mu.Lock()
	defer s.mu.Unlock()
	got, s.got = s.got, nil
	return got
}

// fetch asks for chunks; the answer comes to the session's inbox.
func (s *session) fetch(chunks [][2]int64) error {
	body, err := json.Marshal(catalog.FetchRequest{Session: s.id, Chunks: chunks, Got: s.proofs()})
	if err != nil {
		return err
	}
	return s.c.Conn.PublishRequest(s.subject(events.VerbFetch), s.inbox, body)
}

// leave ends the session here and, if closing, at the server.
func (s *session) leave(closing bool) {
	for _, sub := range s.subs {
		_ = sub.Unsubscribe() // fails only if the connection is closed
	}
	if !closing || !s.c.Conn.IsConnected() {
		return
	}
	body, err := json.Marshal(catalog.CloseRequest{Session: s.id, Got: s.proofs()})
	if err == nil {
		err = s.c.Conn.Publish(s.subject(events.VerbClose), body)
	}
	if err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		s.c.Logger.Debug("a session was not closed", "catalog", s.src.catalog, "err", err)
	}
}
