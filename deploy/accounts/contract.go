package accounts

import (
	"slices"

	"github.com/nats-io/jwt/v2"

	"natster/events"
	"natster/functions"
)

// maxExports is a little more than the contract's two exports: every export is public.
const maxExports = 8

// shapeAll gives c what every account has.
func shapeAll(c *jwt.AccountClaims) {
	c.Limits.DisallowBearer = true
	c.Limits.LeafNodeConn = 0
}

// shapeGlobal gives c the export of the global account, which has no users: to publish in it is to speak for any
// account. The names of exports and imports are those of the wire contract, and of its additions; only people who read
// listings use them. An older version that opens a newer world gives this account what it gave the account of all
// functions, users and JetStream among it: it loses that.
func shapeGlobal(r *record, c *jwt.AccountClaims) error {
	c.Exports, c.Limits.JetStreamLimits = nil, jwt.JetStreamLimits{}
	setExport(c, service("natster_global", events.GlobalExport))
	return r.keepUsers(c)
}

// shapeData gives c JetStream without a limit but the disk's, and takes from it what it had when it was the global
// account, too, and the functions were its users.
func shapeData(r *record, c *jwt.AccountClaims) error {
	r.Name, c.Name = dataAccount, dataAccount
	c.Exports = slices.DeleteFunc(c.Exports, func(e *jwt.Export) bool { return !e.TokenReq })
	c.Limits.JetStreamLimits = jwt.JetStreamLimits{
		MemoryStorage: jwt.NoLimit, DiskStorage: jwt.NoLimit, Streams: jwt.NoLimit, Consumer: jwt.NoLimit,
		MaxAckPending: jwt.NoLimit, MemoryMaxStreamBytes: jwt.NoLimit, DiskMaxStreamBytes: jwt.NoLimit,
	}
	return r.keepUsers(c, AdminUser)
}

// shapeFeed gives c the exports by which every account hears the feed. They are no exports of the global account, as
// they are in the wire contract, because what a function publishes in its own account reaches no importer of another;
// an importer sees no difference.
func shapeFeed(c *jwt.AccountClaims) {
	setExport(c, stream("global_events", events.GlobalEventsExport))
	setExport(c, stream("global_news", events.GlobalNewsExport))
}

// limit bounds what the users of c, people and their browsers, take of a server. NATS counts connections of the
// account, on all servers, and subscriptions of each connection.
func limit(c *jwt.AccountClaims, l functions.Limits) {
	l = l.OrDefault()
	c.Limits.Conn, c.Limits.Subs, c.Limits.Payload = l.Connections, l.Subscriptions, l.Payload
}

// shapeUser gives c the exports of a Natster user and the imports of the world's. The zero value of
// JetStreamLimits, which a user keeps, is "no JetStream".
func shapeUser(c *jwt.AccountClaims, self events.Account, w WellKnown) {
	c.Limits.Exports = maxExports
	setExport(c, service("natster_catalog", events.CatalogExport))
	setExport(c, stream("natster_media", events.MediaExport))
	setImport(c, importOf("natster_global", jwt.Service, w.Global, events.GlobalImport(self)))
	setImport(c, importOf("natster_global_events", jwt.Stream, w.Feed, events.GlobalEventsImport(self)))
	setImport(c, importOf("natster_global_news", jwt.Stream, w.Feed, events.GlobalNewsImport(self)))
}

// catalogImports are the two imports by which importer uses a catalog.
func catalogImports(importer events.Account, i Import) []*jwt.Import {
	name := "natster_" + i.As.String()
	return []*jwt.Import{
		importOf(name, jwt.Service, i.Owner, events.CatalogImport(importer, i.Catalog, i.As)),
		importOf(name+"_media", jwt.Stream, i.Owner, events.MediaImport(importer, i.Catalog, i.As)),
	}
}

// tokenPosition is where exports have the importer's account key: the NATS server lets no import through that has
// anything else there, and that is all of Natster's proof of who asks.
const tokenPosition = 1

func service(name, subject string) *jwt.Export {
	return &jwt.Export{
		Name: name, Subject: jwt.Subject(subject), Type: jwt.Service,
		ResponseType: jwt.ResponseTypeSingleton, AccountTokenPosition: tokenPosition,
	}
}

func stream(name, subject string) *jwt.Export {
	return &jwt.Export{Name: name, Subject: jwt.Subject(subject), Type: jwt.Stream, AccountTokenPosition: tokenPosition}
}

func importOf(name string, t jwt.ExportType, from events.Account, s events.ImportSubject) *jwt.Import {
	return &jwt.Import{
		Name: name, Type: t, Account: from.String(),
		Subject: jwt.Subject(s.Remote), LocalSubject: jwt.RenamingSubject(s.Local),
	}
}

// setExport adds e, or replaces the export of the same subject and type.
func setExport(c *jwt.AccountClaims, e *jwt.Export) {
	same := func(old *jwt.Export) bool { return old.Subject == e.Subject && old.Type == e.Type }
	if n := slices.IndexFunc(c.Exports, same); n >= 0 {
		c.Exports[n] = e
		return
	}
	c.Exports.Add(e)
}

// setImport adds i, or replaces the import that appears as the same local subject.
func setImport(c *jwt.AccountClaims, i *jwt.Import) {
	if n := slices.IndexFunc(c.Imports, func(old *jwt.Import) bool { return sameImport(old, i) }); n >= 0 {
		c.Imports[n] = i
		return
	}
	c.Imports.Add(i)
}

// dropImport removes the import that appears as i's local subject.
func dropImport(c *jwt.AccountClaims, i *jwt.Import) {
	c.Imports = slices.DeleteFunc(c.Imports, func(old *jwt.Import) bool { return sameImport(old, i) })
}

// sameImport reports whether a and b appear as the same local subject.
func sameImport(a, b *jwt.Import) bool { return a.LocalSubject == b.LocalSubject && a.Type == b.Type }

// catalogsOf returns the catalogs that the claims import: they are the truth of what a name stands for in the account.
// It leaves out imports that Natster did not make.
func catalogsOf(claims *jwt.AccountClaims) ([]Import, error) {
	var all []Import
	for _, i := range claims.Imports {
		if i.Type != jwt.Service {
			continue
		}
		s := events.ImportSubject{Remote: string(i.Subject), Local: string(i.LocalSubject)}
		c, as, err := events.CatalogImported(s)
		if err != nil {
			continue
		}
		owner, err := events.ParseAccount(i.Account)
		if err != nil {
			return nil, err
		}
		all = append(all, Import{Catalog: c, Owner: owner, As: as})
	}
	return all, nil
}
