package server

import (
	"context"
	"encoding/json"
	"errors"
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

// sendHeartbeats says that l is served: at once, regularly, when it changes, when the connection is back, when another server of the
// account says that it stops serving the same catalog, and when a catalog is shared that presence did not know of.
func (s *Server) sendHeartbeats(ctx context.Context, l Library) {
	again := make(chan struct{}, 1)
	goodbyes, err := s.nc.Subscribe(events.LocalOffline, func(m *nats.Msg) {
		var h api.Heartbeat
		if err := json.Unmarshal(m.Data, &h); err != nil || h.Catalog != l.Name() {
			return
		}
		select {
		case again <- struct{}{}:
		default:
		}
	})
	if err != nil {
		s.log.Warn("goodbyes of other servers are not heard", "catalog", l.Name(), "err", err)
	}
	shared := make(chan uint64, 1) // at a position of the log; the first of several is enough
	shares, err := s.nc.Subscribe(events.FeedLocal(events.FeedShared), func(m *nats.Msg) {
		var n api.ShareNews
		if err := json.Unmarshal(m.Data, &n); err != nil || n.From != s.account || n.Catalog != l.Name() {
			return
		}
		select {
		case shared <- n.Position:
		default:
		}
	})
	if err != nil {
		s.log.Warn("news of shares are not heard", "catalog", l.Name(), "err", err)
	}
	defer unsubscribe([]*nats.Subscription{goodbyes, shares})
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
				return
			case <-tick.C:
				due = true
			case <-again:
				due = true
			case since = <-shared:
				due = unknown // otherwise those who are new find it online
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
	body, err := json.Marshal(s.heartbeat(l))
	if err == nil {
		err = s.nc.Publish(subject, body)
	}
	if err != nil {
		s.log.Warn("presence was not published", "subject", subject, "catalog", l.Name(), "err", err)
	}
}

// tellPresence tells the function presence about l, and waits until it has been told: a heartbeat must not overtake the
// goodbye. An original's function does not answer, and that is no matter. It returns true when presence says that no such
// catalog was ever shared; presence does not say so before it knows of the share at that position of the log.
func (s *Server) tellPresence(ctx context.Context, subject string, l Library, since uint64) (unknown bool) {
	body, err := json.Marshal(s.heartbeat(l))
	if err != nil {
		s.log.Warn("presence was not told", "subject", subject, "catalog", l.Name(), "err", err)
		return false
	}
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

// imports are those that the account has now. Where nobody keeps the accounts' keys they are not known, and what it once said
// of its imports has to do.
func (s *Server) imports(ctx context.Context) (all []api.Import, known bool) {
	all, err := api.Call(ctx, api.NewClient(s.nc), api.ListImports, api.None{})
	if err != nil {
		s.log.Debug("what is imported is not known", "err", err)
	}
	return all, err == nil
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
	for _, l := range s.now.list() {
		a.Serving = append(a.Serving, s.heartbeat(l))
	}
	if len(a.Serving) > 0 {
		a.Catalog, a.Revision = a.Serving[0].Catalog, a.Serving[0].Revision
	}
	imports, known := s.imports(ctx)
	for _, x := range list {
		imported := x.Imported
		if known {
			imported = slices.ContainsFunc(imports, func(i api.Import) bool { return i.Catalog == x.Catalog && i.Owner == x.From })
		}
		if x.To == s.account && x.From != s.account && !imported {
			a.Shares = append(a.Shares, x)
		}
	}
	return a, nil, nil
}
