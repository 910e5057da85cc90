package cli

import (
	"context"
	"log/slog"

	"natster/events"
	"natster/workloads/catalog/library"
	"natster/workloads/catalog/server"
)

// requests logs who lists and who reads what. What it is told waits in line while the terminal stands still; beyond that
// it is lost, because no receiver waits for a log.
type requests struct {
	libs map[events.Catalog]*library.Library
	line chan server.Activity
}

func newRequests(libs []*library.Library) *requests {
	const patience = 1024
	r := &requests{make(map[events.Catalog]*library.Library), make(chan server.Activity, patience)}
	for _, l := range libs {
		r.libs[l.Name()] = l
	}
	return r
}

func (r *requests) observe(a server.Activity) {
	select {
	case r.line <- a:
	default:
	}
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
				if e, ok := r.libs[a.Catalog].Hash(a.Hash); ok {
					who = append(who, "path", e.Path, "bytes", a.Size)
				}
				log.Info("reads", who...)
			}
		case <-ctx.Done():
			return
		}
	}
}
