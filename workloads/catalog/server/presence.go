package server

import (
	"context"
	"encoding/json"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog"
)

// announce says that l is served: at once, regularly, when it changes, and when the connection is back.
func (s *Server) announce(ctx context.Context, l Library) {
	back := s.nc.StatusChanged(nats.CONNECTED)
	defer s.nc.RemoveStatusListener(back)
	tick := time.NewTicker(s.limits.Heartbeat)
	defer tick.Stop()
	for {
		changes, revision := l.Changes(), l.Revision() // before what is said: a change in between is said next
		s.publishPresence(events.LocalHeartbeat, l)
		s.publishPresence(api.PutHeartbeat.Subject(), l)
		for due := false; !due; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				due = true
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
		s.log.Warn("presence was not published", "subject", subject, "catalog", l.Name(), "error", err)
	}
}

// inbox answers with the shares that this account has been given and has not imported.
func (s *Server) inbox(ctx context.Context, r request) (any, func(), error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	list, err := s.shares.source.Shares(ctx)
	if err != nil {
		return nil, nil, err
	}
	beat := s.heartbeat(r.library)
	a := catalog.InboxReply{Catalog: beat.Catalog, Account: beat.Account, Revision: beat.Revision, Shares: []api.Share{}}
	for _, l := range s.catalogs {
		a.Serving = append(a.Serving, s.heartbeat(l))
	}
	for _, x := range list {
		if x.To == s.account && x.From != s.account && !x.Imported {
			a.Shares = append(a.Shares, x)
		}
	}
	return a, nil, nil
}
