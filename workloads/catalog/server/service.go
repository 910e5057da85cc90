package server

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/micro"

	"natster/events"
	"natster/workloads/catalog"
)

// inboxService answers for the account's inbox. What was made until an error is returned with it.
func (s *Server) inboxService(ctx context.Context) (micro.Service, error) {
	const doc = "what is shared with this account and not imported"
	inbox, err := s.service("natster-inbox", doc, events.LocalQueue, nil)
	if err == nil {
		x := &served{} // no catalog, and a gate that is not closed
		err = endpoint(inbox, verbInbox, events.LocalInbox, func(m micro.Request) {
			s.accept(ctx, m, x, s.may[verbInbox])
		})
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

// catalogService makes x a NATS micro service of the account, called natster-catalog-NAME: so `nats micro ls`, `info`
// and `stats` show what is served and how much is asked. It binds the subjects of x: each for the account itself and
// for those who import it, and what is asked of one session at the one server that has it.
// What was made until an error is returned with it.
func (s *Server) catalogService(ctx context.Context, x *served) (micro.Service, error) {
	name := x.Name().String()
	service, err := s.service("natster-catalog-"+name, "the catalog "+name, events.CatalogQueue,
		map[string]string{"catalog": name, "instance": s.instance})
	if err != nil {
		return nil, err
	}
	for _, verb := range []string{
		events.VerbGet, events.VerbDownload, events.VerbFetch, events.VerbClose,
		catalog.AtInstance(events.VerbFetch, s.instance), catalog.AtInstance(events.VerbClose, s.instance),
	} {
		kind, _, _ := strings.Cut(verb, ".")
		name := strings.ReplaceAll(verb, ".", "-")
		serve := func(m micro.Request) { s.accept(ctx, m, x, s.may[kind]) }
		err = errors.Join(err,
			endpoint(service, name, events.CatalogSubject(x.Name(), verb), serve),
			endpoint(service, name+"-shared", events.CatalogService(x.Name(), verb), serve))
	}
	return service, err
}

func endpoint(service micro.Service, name, subject string, serve func(micro.Request)) error {
	const messages, bytes = 1 << 14, 8 << 20 // requests are small; a flood of them must not fill the memory
	return service.AddEndpoint(name, micro.HandlerFunc(serve),
		micro.WithEndpointSubject(subject), micro.WithEndpointPendingLimits(messages, bytes))
}

// stopService ends a service, if there is one; it still answers what was asked before.
func (s *Server) stopService(x micro.Service) {
	if x == nil {
		return
	}
	if err := x.Stop(); err != nil {
		s.log.Debug("a service did not stop", "service", x.Info().Name, "err", err)
	}
}
