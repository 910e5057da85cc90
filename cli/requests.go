package cli

import (
	"context"
	"log/slog"

	"natster/events"
	"natster/workloads/catalog"
	"natster/workloads/catalog/library"
	"natster/workloads/catalog/server"
)

// requests logs who lists and who reads what. What it is told waits in line while the output stands still; beyond that
// it is lost, because no receiver waits for a log.
type requests struct {
	find func(events.Catalog) *library.Library // nil where there is none
	line chan server.Activity
}

func newRequests(find func(events.Catalog) *library.Library) *requests {
	const patience = 1024
	return &requests{find, make(chan server.Activity, patience)}
}

func (r *requests) observe(a server.Activity) {
	if a.Verb == events.VerbFetch {
		return
	}
	select {
	case r.line <- a:
	default:
	}
}

// path is that of a file with the hash, or its hash where it has none any more.
func (r *requests) path(c events.Catalog, h events.Hash) string {
	if l := r.find(c); l != nil {
		if e, ok := l.Hash(h); ok {
			return catalog.Shown(e.Path)
		}
	}
	return h.Short()
}

// write logs until ctx is done.
func (r *requests) write(ctx context.Context, log *slog.Logger) {
	for {
		select {
		case a := <-r.line:
			who := []any{"caller", a.Caller, "catalog", a.Catalog}
			switch a.Verb {
			case events.VerbGet:
				log.Info("lists", who...)
			case events.VerbDownload:
				log.Info("reads", append(who, "path", r.path(a.Catalog, a.Hash), "bytes", a.Size)...)
			}
		case <-ctx.Done():
			return
		}
	}
}
