package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/workloads/catalog"
	"natster/workloads/catalog/seal"
)

// source is a file to read: where, which, and by whom it should be served.
type source struct {
	catalog events.Catalog // as it is called in this account
	origin  Origin         // as it was sealed by
	hash    events.Hash
	size    int64
}

// session is an open session of protocol 2, with its two subscriptions.
type session struct {
	id       string
	instance string // of the server that has it; empty: it does not say
	layout   seal.Layout
	owner    events.Account
	receiver *seal.Receiver
	inbox    string
	subs     []*nats.Subscription
}

// pushed is what happened instead of a session: the server speaks protocol 1 and is sending already.
type pushed struct {
	reply catalog.DownloadReply
	key   *seal.Key
	sub   *nats.Subscription
}

// openSession asks for a session about src. Exactly one of its results is set. What comes out of a session was made by who
// proved to be its sender: everything it is bound to has been checked.
func (c *Client) openSession(ctx context.Context, src source, chunkSize int) (*session, *pushed, error) {
	if c.seams.protocol1 {
		p, err := c.askPush(ctx, src)
		return nil, p, err
	}
	key, err := c.newKey()
	if err != nil {
		return nil, nil, err
	}
	keep := false
	defer func() {
		if !keep {
			key.Wipe()
		}
	}()
	var early *nats.Subscription // for a server that pushes at once
	if !c.speaks2(src.catalog) {
		if early, err = c.Conn.SubscribeSync(events.MediaSubject(events.Account{}, src.catalog, src.hash.String())); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", src.catalog, err)
		}
		defer func() {
			if !keep {
				_ = early.Unsubscribe()
			}
		}()
		if err := early.SetPendingLimits(pushMessages, pushPending); err != nil {
			return nil, nil, err
		}
	}
	q := catalog.DownloadRequest{Hash: src.hash, Target: key.Public(), Protocol: catalog.Protocol2, ChunkSize: chunkSize}
	var a catalog.DownloadReply
	if err := c.ask(ctx, src.catalog, events.VerbDownload, q, &a); err != nil {
		return nil, nil, err
	}
	c.learn(src.catalog, a.Protocol == catalog.Protocol2)
	if a.Protocol != catalog.Protocol2 {
		if early == nil {
			return nil, nil, fmt.Errorf("%s: %w: its server speaks another protocol now", src.catalog, ErrOffline)
		}
		keep = true
		return nil, &pushed{a, key, early}, nil
	}
	s, err := c.newSession(src, key, a)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w: %w", src.catalog, ErrImpostor, err)
	}
	return s, nil, nil
}

func (c *Client) newSession(src source, key *seal.Key, a catalog.DownloadReply) (*session, error) {
	layout := seal.Layout{Size: a.TotalBytes, ChunkSize: a.ChunkSize}
	if err := layout.Check(); err != nil {
		return nil, err
	}
	if layout.ChunkSize < seal.MinChunk { // what a chunk costs us beside its bytes must not count
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
	return &session{id: h.Session, instance: a.Instance, layout: layout, owner: h.Owner, receiver: r}, nil
}

// listen subscribes to the session's frames and to the answers to its fetches.
func (s *session) listen(c *Client, src source, pending int, frame, answer func(*nats.Msg)) error {
	s.inbox = c.Conn.NewInbox()
	media := events.MediaSubject(events.Account{}, src.catalog, s.id)
	for subject, h := range map[string]func(*nats.Msg){media: frame, s.inbox: answer} {
		sub, err := c.Conn.Subscribe(subject, h)
		if err != nil {
			return fmt.Errorf("subscribe %s: %w", subject, err)
		}
		s.subs = append(s.subs, sub)
		if subject == media {
			if err := sub.SetPendingLimits(1<<12, pending); err != nil { // small ones would cost more than their bytes
				return err
			}
		}
	}
	return nil
}

func (s *session) subject(src source, verb string) string {
	return events.CatalogSubject(src.catalog, catalog.AtInstance(verb, s.instance))
}

// fetch asks for chunks; the answer comes to the session's inbox.
func (s *session) fetch(c *Client, src source, chunks [][2]int64) error {
	body, err := json.Marshal(catalog.FetchRequest{Session: s.id, Chunks: chunks})
	if err != nil {
		return err
	}
	return c.Conn.PublishRequest(s.subject(src, events.VerbFetch), s.inbox, body)
}

// leave ends the session here, and at the server when told to.
func (s *session) leave(c *Client, src source, tell bool) {
	for _, sub := range s.subs {
		_ = sub.Unsubscribe() // of a closed connection: nothing to do
	}
	if !tell || !c.Conn.IsConnected() {
		return
	}
	body, err := json.Marshal(catalog.CloseRequest{Session: s.id})
	if err == nil {
		err = c.Conn.Publish(s.subject(src, events.VerbClose), body)
	}
	if err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		c.Logger.Debug("a session was not closed", "catalog", src.catalog, "err", err)
	}
}
