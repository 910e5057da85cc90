package view

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"natster/events"
)

// The projections of the log. Their keys stand below a generation; see [Reader].
var (
	// Accounts has a document per initialized account, under its key.
	Accounts = Bucket{Name: "accounts", Doc: "projection: who uses natster"}
	// Catalogs has a document per catalog that was ever shared, under its owner and name. (The bucket was called
	// otherwise when names had one owner each: a projection whose keys change gets a new bucket, which is folded from
	// the log.)
	Catalogs = Bucket{Name: "sharedcatalogs", Doc: "projection: which catalogs an account has shared"}
	// Shares has two documents per share, one under each side, so that each finds its shares by prefix.
	Shares = Bucket{Name: "shares", Doc: "projection: who shares what with whom"}
	// Logins has a document per web login, under the hash of its id.
	Logins = Bucket{Name: "logins", Doc: "projection: which account a web login belongs to"}
	// Stats has one document, the totals.
	Stats = Bucket{Name: "stats", Doc: "projection: running totals"}
)

// Projections are all projections of the log.
func Projections() []Bucket { return []Bucket{Accounts, Catalogs, Shares, Logins, Stats} }

// The buckets that are not projections.
var (
	// Presence has a document per catalog that is being served; it expires when heartbeats stop.
	Presence = Bucket{
		Name: "presence", Doc: "catalogs that are being served", TTL: 75 * time.Second, Markers: true,
		MaxBytes: 1 << 30,
	}
	// Online has what stats remembers of presence: a mark per catalog online, and their number.
	Online = Bucket{Name: "online", Doc: "catalogs counted as running", Durable: true, Lives: true}
	// Codes has a sealed context per one-time code, for as long as the code is good.
	Codes = Bucket{Name: "codes", Doc: "one-time codes, sealed", TTL: CodeTTL, Durable: true, MaxBytes: 256 << 20}
	// Contexts has the sealed context of each binding. It is not in the log, because it is secret: it cannot be
	// rebuilt.
	Contexts = Bucket{Name: "contexts", Doc: "contexts bound to web logins, sealed", Durable: true}
)

// CodeTTL is how long a one-time code is good.
const CodeTTL = 5 * time.Minute

// CodeKey is the key of a code that an account made; the code appears only as its hash.
func CodeKey(by events.Account, hash string) string { return by.String() + "." + hash }

// CodesBy matches all codes of an account.
func CodesBy(a events.Account) string { return a.String() + ".*" }

// CodeBy matches the code with that hash, whichever account made it.
func CodeBy(hash string) string { return "*." + hash }

// ContextKey is the key of the context that a login is bound to: one per account and login, so that a login that is
// bound again replaces its context instead of leaving the old one behind. It is the reference in events, and opens
// nothing.
func ContextKey(a events.Account, oauthID string) string {
	h := sha256.Sum256([]byte("natster context\x00" + a.String() + "\x00" + oauthID))
	return hex.EncodeToString(h[:])
}

// An Account is the document of [Accounts].
type Account struct {
	Account     events.Account `json:"account"`
	Name        string         `json:"name"`
	Initialized int64          `json:"initialized"` // unix seconds
	OAuthID     string         `json:"oauth_id,omitempty"`
}

// AccountKey is the key of an account's document.
func AccountKey(a events.Account) string { return a.String() }

// A Catalog is the document of [Catalogs].
type Catalog struct {
	Catalog events.Catalog `json:"catalog"`
	Owner   events.Account `json:"owner"`
}

// CatalogKey is the key of a catalog's document.
func CatalogKey(owner events.Account, c events.Catalog) string {
	return owner.String() + "." + c.String()
}

// A Share is the document of [Shares], the same under both keys.
type Share struct {
	From     events.Account `json:"from"`
	To       events.Account `json:"to"`
	Catalog  events.Catalog `json:"catalog"`
	Imported bool           `json:"imported,omitempty"`
	// Taken says that an imported share was taken back: there is none now, but should it be given again, its import
	// still stands.
	Taken bool `json:"taken,omitempty"`
}

// ShareByKey is the key of a share from its owner's side.
func ShareByKey(from events.Account, c events.Catalog, to events.Account) string {
	return "by." + from.String() + "." + c.String() + "." + to.String()
}

// ShareToKey is the key of a share from its target's side.
func ShareToKey(to, from events.Account, c events.Catalog) string {
	return "to." + to.String() + "." + from.String() + "." + c.String()
}

// SharesBy matches the documents of the shares by an account.
func SharesBy(a events.Account) string { return "by." + a.String() + ".>" }

// SharesTo matches the documents of the shares to an account.
func SharesTo(a events.Account) string { return "to." + a.String() + ".>" }

// SharesOf matches the documents of the shares of one catalog.
func SharesOf(owner events.Account, c events.Catalog) string {
	return "by." + owner.String() + "." + c.String() + ".*"
}

// SharesFrom matches the documents of what one account shares with another, as the receiver has them.
func SharesFrom(from, to events.Account) string {
	return "to." + to.String() + "." + from.String() + ".*"
}

// SharesWith matches the documents of what one account shares with another, as the owner has them.
func SharesWith(from, to events.Account) string { return "by." + from.String() + ".*." + to.String() }

// shareIn returns the share that a document of [Shares] holds; ok is false when there is none any more, and when the
// document does not belong under its key (see [Doc]). It reads a share from its key, which says all but whether it was
// imported: many are read at a time, and this takes a quarter of the time.
func shareIn(f Found) (s Share, ok bool, err error) {
	if f.Value == nil {
		return Share{}, false, nil
	}
	part := strings.Split(f.Key, ".")
	if len(part) != 4 {
		return Share{}, false, fmt.Errorf("document %s: not a share's key", f.Key)
	}
	from, to, name := part[1], part[3], part[2]
	if part[0] == "to" {
		to, from, name = part[1], part[2], part[3]
	}
	if s.From, err = events.ParseAccount(from); err != nil {
		return Share{}, false, fmt.Errorf("document %s: %w", f.Key, err)
	}
	if s.To, err = events.ParseAccount(to); err != nil {
		return Share{}, false, fmt.Errorf("document %s: %w", f.Key, err)
	}
	if s.Catalog, err = events.ParseCatalog(name); err != nil {
		return Share{}, false, fmt.Errorf("document %s: %w", f.Key, err)
	}
	said := `"doc":{"from":"` + from + `","to":"` + to + `","catalog":"` + name + `"`
	if !bytes.Contains(f.Value, []byte(said)) || bytes.Contains(f.Value, []byte(`"taken":true`)) {
		return Share{}, false, nil
	}
	s.Imported = bytes.Contains(f.Value, []byte(`"imported":true`)) // no text in a share can hold a quote
	return s, true, nil
}

// A Login is the document of [Logins].
type Login struct {
	OAuthID    string         `json:"oauth_id"`
	Account    events.Account `json:"account"`
	ContextRef string         `json:"context_ref"` // key in Contexts
}

// LoginKey is the key of a login's document. Ids come from anywhere; their hash is always a key.
func LoginKey(oauthID string) string {
	h := sha256.Sum256([]byte(oauthID))
	return hex.EncodeToString(h[:])
}

// LogTotals is the document of [Stats], under [TotalsKey].
type LogTotals struct {
	Accounts int64 `json:"accounts"`
	Shares   int64 `json:"shares"`
}

// TotalsKey is the key of the only document of [Stats].
const TotalsKey = "totals"

// PresenceKey is the key of a catalog's document in [Presence], which is the heartbeat as it came.
func PresenceKey(owner events.Account, c events.Catalog) string {
	return owner.String() + "." + c.String()
}

// An OnlineMark says whether the catalog of a presence key is counted as running, and since which change of that key.
// It stays for [OfflineMarkTTL] when the catalog goes offline, so that a change that is handled late cannot count
// twice.
type OnlineMark struct {
	Online bool  `json:"online"`
	At     int64 `json:"at"` // the time of the change in the presence bucket, unix nanoseconds
}

// OnlineMarkKey is the key of the mark of a catalog's [PresenceKey].
func OnlineMarkKey(presenceKey string) string { return "mark." + presenceKey }

// OnlineMarked is the presence key whose mark stands under key.
func OnlineMarked(key string) string { return strings.TrimPrefix(key, "mark.") }

// OfflineMarkTTL is how long the mark of a catalog that went offline is kept: longer than any change can be handled
// late, and no longer, since names of catalogs cost their owners nothing.
const OfflineMarkTTL = 2 * markerTTL

// An OnlineTotal is how many marks are online, and the latest of them, which is stored under its own key with the next.
type OnlineTotal struct {
	Total       int64      `json:"total"`
	PresenceKey string     `json:"presence_key,omitempty"`
	Mark        OnlineMark `json:"mark"`
}

// OnlineTotalKey is the key of the [OnlineTotal].
const OnlineTotalKey = "running"
