package cli

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog"
	"natster/workloads/catalog/library"

	"github.com/nats-io/nats.go"
)

// A listener hears what catalogs are asked for, beside the server that answers, and logs who lists and who reads what.
// It speaks only of accounts that the catalog is shared with: anybody can ask, and must not be able to fill the log.
type listener struct {
	ctx  context.Context
	api  *api.Client
	log  *slog.Logger
	libs map[events.Catalog]*library.Library

	mu     sync.Mutex
	asked  time.Time
	guests map[guest]bool
}

type guest struct {
	catalog events.Catalog
	account events.Account
}

// For how long the list of those who may ask is good enough for a log: about those who are on it, and those who are not.
const (
	guestsGood    = 5 * time.Second
	strangersGood = time.Second
)

// listen logs the requests to libs until ctx is done, or the session ends.
func (s *session) listen(ctx context.Context, libs []*library.Library, log *slog.Logger) error {
	l := &listener{ctx: ctx, api: s.api, log: log, libs: make(map[events.Catalog]*library.Library)}
	for _, lib := range libs {
		c := lib.Name()
		l.libs[c] = lib
		for _, verb := range []string{events.VerbGet, events.VerbDownload} {
			for _, subject := range []string{events.CatalogService(c, verb), events.CatalogSubject(c, verb)} {
				if _, err := s.nc.Subscribe(subject, l.hear); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (l *listener) hear(m *nats.Msg) {
	caller, rest, err := events.Caller(m.Subject)
	if err != nil {
		return
	}
	c, verb, err := events.CatalogOf(rest)
	lib := l.libs[c]
	if err != nil || lib == nil || len(m.Data) > api.MaxRequest || !l.invited(guest{c, caller}) {
		return
	}
	who := []any{"caller", caller, "catalog", c}
	switch verb {
	case events.VerbGet:
		var q catalog.GetRequest
		if len(m.Data) > 0 && json.Unmarshal(m.Data, &q) != nil || q.After != "" {
			return // nonsense, or the next page
		}
		l.log.Info("lists", who...)
	case events.VerbDownload:
		var q catalog.DownloadRequest
		if json.Unmarshal(m.Data, &q) != nil {
			return
		}
		if e, ok := lib.Hash(q.Hash); ok {
			l.log.Info("reads", append(who, "path", e.Path, "bytes", e.Size)...)
		}
	}
}

// invited tells whether the catalog is shared with the account, or the account's own.
func (l *listener) invited(g guest) bool {
	if g.account.IsZero() {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	age := time.Since(l.asked)
	if age > guestsGood || age > strangersGood && !l.guests[g] {
		l.asked = time.Now()
		shares, err := l.api.Shares(l.ctx)
		if err != nil {
			l.log.Debug("who may ask is not known now", "error", err)
			return l.guests[g]
		}
		l.guests = make(map[guest]bool)
		for _, x := range shares {
			l.guests[guest{x.Catalog, x.To}] = true
		}
	}
	return l.guests[g]
}
