package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog"
)

// presenceTimeout bounds one message about presence: how long its answer is waited for.
const presenceTimeout = time.Second

// sendHeartbeats says that l is served: at once, regularly, when it changes, when the connection is back, when another
// server of the account says that it stops serving the same catalog, and when a catalog is shared that presence did not
// know of.
func (s *Server) sendHeartbeats(ctx context.Context, l Library) error {
	again := make(chan struct{}, 1)
	goodbyes, err := s.nc.Subscribe(events.LocalOffline, func(m *nats.Msg) {
		var h api.Heartbeat
		if err := json.Unmarshal(m.Data, &h); err == nil && h.Catalog == l.Name() {
			signal(again, struct{}{})
		}
	})
	if err != nil {
		return fmt.Errorf("hear goodbyes of other servers: %w", err)
	}
	defer unsubscribe(goodbyes)
	shared := make(chan uint64, 1) // at a position of the log; the first of several is enough
	shares, err := s.nc.Subscribe(events.FeedLocal(events.FeedShared), func(m *nats.Msg) {
		var n api.ShareNews
		if err := json.Unmarshal(m.Data, &n); err == nil && n.From == s.account && n.Catalog == l.Name() {
			signal(shared, n.Position)
		}
	})
	if err != nil {
		return fmt.Errorf("hear news of shares: %w", err)
	}
	defer unsubscribe(shares)
	back := s.nc.StatusChanged(nats.CONNECTED)
	defer s.nc.RemoveStatusListener(back)
	tick := time.NewTicker(s.limits.Heartbeat)
	defer tick.Stop()
	for since := uint64(0); ; {
		changes, revision := l.Changes(), l.Revision() // before what is said: a change in between is said next
		s.publishPresence(events.LocalHeartbeat, l)
		unknown := s.tellPresence(ctx, api.PutHeartbeat.Subject(), l, since)
		for due := false; !due; {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
				due = true
			case <-again:
				due = true
			case since = <-shared:
				due = unknown // otherwise a new receiver finds it online
			case <-changes:
				changes = l.Changes()
				due = l.Revision() != revision // otherwise nothing that is listed
			case _, due = <-back:
				if !due {
					back = nil
				}
			}
		}
	}
}

func (s *Server) heartbeat(l Library) api.Heartbeat {
	return api.Heartbeat{Catalog: l.Name(), Account: s.account, Revision: l.Revision()}
}

func (s *Server) publishPresence(subject string, l Library) {
	body, _ := json.Marshal(s.heartbeat(l)) // names and a number: it cannot fail
	if err := s.nc.Publish(subject, body); err != nil {
		s.log.Warn("presence was not published", "subject", subject, "catalog", l.Name(), "err", err)
	}
}

// tellPresence tells the function presence about l and waits for its answer: a heartbeat must not overtake the goodbye.
// An original's function does not answer, which is no error. It returns true when presence answers that no such catalog
// was ever shared; presence does not answer so before it knows of the share at that position of the log.
func (s *Server) tellPresence(ctx context.Context, subject string, l Library, since uint64) (unknown bool) {
	body, _ := json.Marshal(s.heartbeat(l)) // names and a number: it cannot fail
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), presenceTimeout)
	defer cancel()
	m := &nats.Msg{Subject: subject, Data: body, Header: nats.Header{}}
	m.Header.Set(api.HeaderMinPosition, strconv.FormatUint(since, 10))
	reply, err := s.nc.RequestMsgWithContext(ctx, m)
	if err == nil {
		_, err = api.DecodeReply(reply.Data)
	}
	if err != nil {
		s.log.Debug("presence did not confirm", "subject", subject, "catalog", l.Name(), "err", err)
	}
	return errors.Is(err, api.ErrNotFound)
}

// inbox answers with the shares that this account has been given and has not imported.
func (s *Server) inbox(ctx context.Context, _ request) (any, func(), error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	list, err := s.shares.source.Shares(ctx)
	if err != nil {
		return nil, nil, err
	}
	a := catalog.InboxReply{Account: s.account, Shares: []api.Share{}}
	for _, l := range s.catalogs.list() {
		a.Serving = append(a.Serving, s.heartbeat(l))
	}
	if len(a.Serving) > 0 {
		a.Catalog, a.Revision = a.Serving[0].Catalog, a.Serving[0].Revision
	}
	imports, err := api.Call(ctx, api.NewClient(s.nc), api.ListImports, api.None{})
	if err != nil { // in a world that does not keep the accounts' keys; then what the account once said has to do
		s.log.Debug("what is imported is not known", "err", err)
	}
	for _, x := range list {
		imported := x.Imported
		if err == nil {
			imported = slices.ContainsFunc(imports, func(i api.Import) bool {
				return i.Catalog == x.Catalog && i.Owner == x.From
			})
		}
		if x.To == s.account && x.From != s.account && !imported {
			a.Shares = append(a.Shares, x)
		}
	}
	return a, nil, nil
}
