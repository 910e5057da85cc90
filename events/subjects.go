package events

import (
	"errors"
	"strings"
)

// Every subject of the system is made in this file and taken apart in this file. `<A>` is an account key, `<c>` a
// catalog name. "As the caller sees it" is the subject inside a user's account; the same service, seen from the account
// that exports it, has the caller's account key as its first token, put there and guaranteed by the NATS server.
const (
	globalPrefix       = "natster.global."
	globalEventsPrefix = "natster.global-events."
	globalNewsPrefix   = "natster.global-news."
	catalogPrefix      = "natster.catalog."
	mediaPrefix        = "natster.media."
	localEventsPrefix  = "natster.local-events."
	internalPrefix     = "natster.internal."
	logPrefix          = "natster.events."
	poisonPrefix       = "natster.poison."
	catalogSubjectLen  = 4 // natster.catalog.<c>.<verb>
)

// The subjects that accounts export and import, in the form that exports take; see [GlobalImport] and [CatalogImport]
// for the importing side.
const (
	GlobalExport       = "*." + globalPrefix + ">"       // *.natster.global.>         service, account token 1
	GlobalEventsExport = "*." + globalEventsPrefix + "*" // *.natster.global-events.*  stream, account token 1
	GlobalNewsExport   = "*." + globalNewsPrefix + "*"   // *.natster.global-news.*    stream, account token 1
	CatalogExport      = "*." + catalogPrefix + ">"      // *.natster.catalog.>        service, account token 1
	MediaExport        = "*." + mediaPrefix + "*.*"      // *.natster.media.*.*        stream, account token 1
)

// An ImportSubject is one import: the subject in the exporting account and the local subject it appears as.
type ImportSubject struct{ Remote, Local string }

// GlobalImport is `<A>.natster.global.>` as `natster.global.>`: how an account calls the functions.
func GlobalImport(importer Account) ImportSubject {
	return ImportSubject{importer.key + "." + globalPrefix + ">", globalPrefix + ">"}
}

// GlobalEventsImport is `<A>.natster.global-events.*` as `natster.global-events.*`: how an account hears heartbeats.
func GlobalEventsImport(importer Account) ImportSubject {
	return ImportSubject{importer.key + "." + globalEventsPrefix + "*", globalEventsPrefix + "*"}
}

// GlobalNewsImport is `<A>.natster.global-news.*` as `natster.global-news.*`: what the feed
// sends beyond the contract.
func GlobalNewsImport(importer Account) ImportSubject {
	return ImportSubject{importer.key + "." + globalNewsPrefix + "*", globalNewsPrefix + "*"}
}

// CatalogImport is `<A>.natster.catalog.<c>.>` as `natster.catalog.<as>.>`: how an importer asks a catalog's owner. It
// is called as in the importer's account, usually c.
func CatalogImport(importer Account, c, as Catalog) ImportSubject {
	return ImportSubject{importer.key + "." + catalogPrefix + c.name + ".>", catalogPrefix + as.name + ".>"}
}

// MediaImport is `<A>.natster.media.<c>.*` as `natster.media.<as>.*`: how an importer receives a catalog's media.
func MediaImport(importer Account, c, as Catalog) ImportSubject {
	return ImportSubject{importer.key + "." + mediaPrefix + c.name + ".*", mediaPrefix + as.name + ".*"}
}

// CatalogImported is the inverse of [CatalogImport]: what the catalog is called at its owner's, and here.
func CatalogImported(s ImportSubject) (c, as Catalog, err error) {
	_, remote, err := Caller(s.Remote)
	if err != nil {
		return c, as, err
	}
	c, all, err := CatalogOf(remote)
	if err != nil {
		return c, as, err
	}
	as, here, err := CatalogOf(s.Local)
	if err == nil && (all != ">" || here != ">") {
		err = ErrSubject
	}
	return c, as, err
}

// GlobalSubject is `natster.global.<endpoint>`: a function's endpoint as the caller sees it.
func GlobalSubject(endpoint string) string { return globalPrefix + endpoint }

// GlobalService is `*.natster.global.<endpoint>`: what a function subscribes to, for every caller.
func GlobalService(endpoint string) string { return "*." + globalPrefix + endpoint }

// InternalSubject is `natster.internal.<endpoint>`: an endpoint that only other functions can reach, because no export
// of the global account covers it.
func InternalSubject(endpoint string) string { return internalPrefix + endpoint }

// FeedSubject is `<A>.natster.global-events.heartbeat` or `<A>.natster.global-news.<kind>`: what the feed publishes to
// tell account a something.
func FeedSubject(a Account, kind string) string { return a.key + "." + FeedLocal(kind) }

// FeedServices returns `*.natster.global-events.*` and `*.natster.global-news.*`: all that the feed may publish.
func FeedServices() []string { return []string{GlobalEventsExport, GlobalNewsExport} }

// FeedLocal is `natster.global-events.heartbeat` or `natster.global-news.<kind>`: the same, as the account hears it.
func FeedLocal(kind string) string {
	if kind == FeedHeartbeat {
		return globalEventsPrefix + kind
	}
	return globalNewsPrefix + kind
}

// NewsLocal is `natster.global-news.*`: every kind of feed event but heartbeats, as the account hears it.
const NewsLocal = globalNewsPrefix + "*"

// Kinds of feed events. [FeedHeartbeat] is the contract's. The others are additions, on subjects of their own: an
// original website takes every message on `natster.global-events.>` for a heartbeat.
const (
	FeedHeartbeat = "heartbeat" // a catalog shared with you is online: the heartbeat as its owner sent it
	FeedOffline   = "offline"   // a catalog shared with you went offline
	FeedShared    = "shared"    // a catalog was shared with you, or by you
	FeedUnshared  = "unshared"  // a share with you, or by you, was taken back
)

// CatalogSubject is `natster.catalog.<c>.<verb>`: a catalog's endpoint, inside the owner's account or an importer's.
func CatalogSubject(c Catalog, verb string) string { return catalogPrefix + c.name + "." + verb }

// CatalogService is `*.natster.catalog.<c>.<verb>`: the same as the owner's server sees it when importers ask.
func CatalogService(c Catalog, verb string) string { return "*." + catalogPrefix + c.name + "." + verb }

// CatalogOfAny is `natster.catalog.*.<verb>`: an endpoint of every catalog that an account serves or imports.
func CatalogOfAny(verb string) string { return catalogPrefix + "*." + verb }

// MediaOfAny is `natster.media.*.*`: the media of all of them.
const MediaOfAny = mediaPrefix + "*.*"

// IsMedia reports whether media is published on the subject, as any account sees it.
func IsMedia(subject string) bool {
	return strings.HasPrefix(subject, mediaPrefix) || strings.Contains(subject, "."+mediaPrefix)
}

// Queue groups of catalog servers, as the original's: of two servers of one catalog one answers, ours or an original
// one.
const (
	CatalogQueue = "natstercatalog"       // of a catalog's subjects
	LocalQueue   = "natsterlocalservices" // of the inbox
)

// Verbs of a catalog server.
const (
	VerbGet      = "get"
	VerbDownload = "download"
	VerbFetch    = "fetch" // addition: protocol 2
	VerbClose    = "close" // addition: protocol 2
)

// MediaSubject is `<A>.natster.media.<c>.<stream>`: where the owner's server publishes media for importer a. For a zero
// a it is `natster.media.<c>.<stream>`, the owner's own account and also what an importer subscribes to. The stream is
// the file's hash in protocol 1 and the session's id in protocol 2.
func MediaSubject(a Account, c Catalog, stream string) string {
	s := mediaPrefix + c.name + "." + stream
	if a.IsZero() {
		return s
	}
	return a.key + "." + s
}

// Subjects inside a user's own account.
const (
	LocalInbox     = "natster.local.inbox"           // request: what is shared with me that I have not imported
	LocalUnshare   = "natster.local.unshare"         // request: this account is about to take a share back, or has
	LocalHeartbeat = localEventsPrefix + "heartbeat" // a catalog server of this account is alive, every 30 s
	LocalOffline   = localEventsPrefix + "offline"   // a catalog server of this account stopped serving
)

// Caller splits `<A>.natster…` into the account that the NATS server vouches for and the rest of the subject. A subject
// without a leading account is the account's own, and yields the zero Account.
func Caller(subject string) (Account, string, error) {
	if strings.HasPrefix(subject, "natster.") {
		return Account{}, subject, nil
	}
	first, rest, _ := strings.Cut(subject, ".")
	a, err := ParseAccount(first)
	if err != nil {
		return Account{}, "", err
	}
	return a, rest, nil
}

// ErrSubject is returned for a subject that does not have the form asked about.
var ErrSubject = errors.New("not such a subject")

// CatalogOf returns catalog and verb of a subject that [CatalogSubject] made.
func CatalogOf(subject string) (Catalog, string, error) {
	t := strings.Split(subject, ".")
	if len(t) != catalogSubjectLen || t[0]+"."+t[1]+"." != catalogPrefix {
		return Catalog{}, "", ErrSubject
	}
	c, err := ParseCatalog(t[2])
	return c, t[3], err
}

// LogSubject is `natster.events.<origin>.<target|none>.<catalog|none>.<type>`: where the log keeps e.
func LogSubject(e Event) string {
	return logPrefix + e.Origin.token() + "." + e.Target.token() + "." + e.Catalog.token() + "." + string(e.Type)
}

// LogAll is `natster.events.>`: the whole log.
const LogAll = logPrefix + ">"

// LogOfType is `natster.events.*.*.*.<type>`: the log's events of one type.
func LogOfType(t Type) string { return logPrefix + "*.*.*." + string(t) }

// LogOfOrigin is `natster.events.<origin>.>`: all that the account caused.
func LogOfOrigin(origin Account) string { return logPrefix + origin.token() + ".>" }

// LogEdge is `natster.events.<origin>.<target>.<catalog>.*`: all that origin said of catalog to target. It is the
// narrowest filter under which a share, an unshare or an import can conflict with another.
func LogEdge(origin, target Account, c Catalog) string {
	return logPrefix + origin.token() + "." + target.token() + "." + c.token() + ".*"
}

// PoisonSubject is `natster.poison.<function>`: where messages are kept that a function cannot handle.
func PoisonSubject(function string) string { return poisonPrefix + function }

// PoisonAll is `natster.poison.>`.
const PoisonAll = poisonPrefix + ">"
