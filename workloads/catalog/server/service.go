package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/nats-io/nats.go/micro"

	"natster/events"
	"natster/workloads/catalog"
)

// inboxService answers for the account's inbox. What was made until an error is returned with it.
func (s *Server) inboxService(ctx context.Context) (micro.Service, error) {
	inbox, err := s.service("natster-inbox", "what is shared with this account and not imported", events.LocalQueue, nil)
	if err == nil {
		err = endpoint(inbox, "inbox", events.LocalInbox, func(m micro.Request) { s.answer(ctx, m, nil, s.inbox) })
	}
	if err != nil {
		err = fmt.Errorf("serve the inbox: %w", err)
	}
	return inbox, err
}

func (s *Server) service(name, doc, queue string, about map[string]string) (micro.Service, error) {
	return micro.AddService(s.nc, micro.Config{
		Name: name, Description: doc, QueueGroup: queue, Metadata: about, Version: "2.0.0", // of the media protocol
	})
}

// catalogService makes l a NATS micro service of the account, called natster-catalog-NAME: so `nats micro ls`, `info` and
// `stats` show what is served and how much is asked. It binds the subjects of l: each for the account itself and for those
// who import it, and what is asked of one session at the one server that has it. Handlers that start something leave it in
// wg. What was made until an error is returned with it.
func (s *Server) catalogService(ctx context.Context, wg *sync.WaitGroup, l Library) (micro.Service, error) {
	verbs := map[string]handler{
		events.VerbGet:      s.get,
		events.VerbDownload: func(ctx context.Context, r request) (any, func(), error) { return s.download(ctx, wg, r) },
		events.VerbFetch:    s.fetch,
		events.VerbClose:    s.close,
		catalog.AtInstance(events.VerbFetch, s.instance): s.fetch,
		catalog.AtInstance(events.VerbClose, s.instance): s.close,
	}
	service, err := s.service("natster-catalog-"+l.Name().String(), "the catalog "+l.Name().String(), events.CatalogQueue,
		map[string]string{"catalog": l.Name().String(), "instance": s.instance})
	if err != nil {
		return nil, err
	}
	for verb, h := range verbs {
		name := strings.ReplaceAll(verb, ".", "-")
		serve := func(m micro.Request) { s.answer(ctx, m, l, h) }
		err = errors.Join(err,
			endpoint(service, name, events.CatalogSubject(l.Name(), verb), serve),
			endpoint(service, name+"-shared", events.CatalogService(l.Name(), verb), serve))
	}
	return service, err
}

func endpoint(service micro.Service, name, subject string, serve func(micro.Request)) error {
	const messages, bytes = 1 << 14, 8 << 20 // requests are small; a flood of them must not fill the memory
	return service.AddEndpoint(name, micro.HandlerFunc(serve),
		micro.WithEndpointSubject(subject), micro.WithEndpointPendingLimits(messages, bytes))
}

// stopService ends a service, if there is one: what was asked before is answered still.
func (s *Server) stopService(x micro.Service) {
	if x == nil {
		return
	}
	if err := x.Stop(); err != nil {
		s.log.Debug("a service did not stop", "service", x.Info().Name, "err", err)
	}
}
