package accounts

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"natster/events"
	"natster/functions/api"
)

// MaxWebKeys is how many web logins an account can have at a time.
const MaxWebKeys = 8

// webRole begins the role of a scoped key for the website; the time at which it was made follows, so that roles sort by
// age.
const webRole = "natster-web "

const webRoleTime = "2006-01-02T15:04:05.000000000Z"

// WebPermissions are all that a user of a web session may do in its account. `{{subject()}}` is the user's own key, so
// that no web session can read the replies to another. They permit neither one-time codes (a stolen session must not
// bind further logins) nor shares (nor give to others what is the account's) nor heartbeats of a catalog.
func WebPermissions() Permissions {
	return Permissions{
		Publish: []string{
			api.Whoami.Subject(),
			api.Stats.Subject(),
			api.MyShares.Subject(),
			api.Names.Subject(),
			api.PutWeb.Subject(), // and not api.Put: a web session cannot share
			api.ValidateName.Subject(),
			api.ImportCatalog.Subject(),
			api.UnimportCatalog.Subject(),
			api.ListImports.Subject(),
			events.LocalInbox,
			events.LocalUnshare,
			events.CatalogOfAny(events.VerbGet),
			events.CatalogOfAny(events.VerbDownload),
			events.CatalogOfAny(events.VerbFetch),
			events.CatalogOfAny(events.VerbFetch + ".*"), // at the one server that has a session
			events.CatalogOfAny(events.VerbClose),
			events.CatalogOfAny(events.VerbClose + ".*"),
		},
		Subscribe: []string{
			"_INBOX.{{subject()}}.>",
			events.FeedLocal(events.FeedHeartbeat),
			events.NewsLocal,
			events.MediaOfAny,
			events.LocalHeartbeat,
			events.LocalOffline,
		},
	}
}

// webScope is the template that the NATS server enforces on every user that the key signs.
func webScope(key string, made time.Time) *jwt.UserScope {
	s := jwt.NewUserScope()
	s.Key = key
	s.Role = webRole + made.UTC().Format(webRoleTime)
	s.Description = "web sessions"
	s.Template = webTemplate()
	return s
}

// webTemplate is what users of web sessions may do, and where they may connect: over WebSocket, and only through a
// proxy that the NATS server trusts. So such a user is worth nothing without the website's session that it is of.
func webTemplate() jwt.UserPermissionLimits {
	t := jwt.NewUserScope().Template
	t.Permissions = WebPermissions().claims()
	t.Subs, t.Data, t.Payload = jwt.NoLimit, jwt.NoLimit, jwt.NoLimit
	t.AllowedConnectionTypes = jwt.StringList{jwt.ConnectionTypeWebsocket}
	t.ProxyRequired = true
	return t
}

// renewWebScopes gives the web keys of c the template that web sessions have today.
func renewWebScopes(c *jwt.AccountClaims) {
	for _, key := range webKeys(c) {
		if s, ok := c.SigningKeys[key].(*jwt.UserScope); ok {
			s.Template = webTemplate()
		}
	}
}

// AddWebKey gives account a another scoped signing key and returns its seed, which is kept nowhere: its holder can make
// users of the account who may do what [WebPermissions] says and nothing else, over WebSocket, until the key is
// revoked. An account has at most [MaxWebKeys]; the oldest makes room. It fails with ErrUnknownAccount.
func (o *Operator) AddWebKey(ctx context.Context, a events.Account) ([]byte, error) {
	k, err := newKey(nkeys.CreateAccount)
	if err != nil {
		return nil, err
	}
	_, err = o.change(ctx, a, func(_ *record, c *jwt.AccountClaims) error {
		for old := webKeys(c); len(old) >= MaxWebKeys; old = old[1:] {
			delete(c.SigningKeys, old[0])
		}
		c.SigningKeys.AddScopedSigner(webScope(k.public, time.Now()))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("web key of %s: %w", a, err)
	}
	return []byte(k.seed), nil
}

// RevokeWebKeys removes all web keys of account a and returns how many there were: their users are cut off at once. It
// fails with ErrUnknownAccount.
func (o *Operator) RevokeWebKeys(ctx context.Context, a events.Account) (n int, err error) {
	_, err = o.change(ctx, a, func(_ *record, c *jwt.AccountClaims) error {
		old := webKeys(c)
		n = len(old)
		for _, k := range old {
			delete(c.SigningKeys, k)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("web keys of %s: %w", a, err)
	}
	return n, nil
}

// webKeys are the claims' scoped keys for the website, the oldest first.
func webKeys(c *jwt.AccountClaims) []string {
	roles := make(map[string]string) // by key
	for key, scope := range c.SigningKeys {
		if s, ok := scope.(*jwt.UserScope); ok && strings.HasPrefix(s.Role, webRole) {
			roles[key] = s.Role
		}
	}
	return slices.SortedFunc(maps.Keys(roles), func(a, b string) int { return strings.Compare(roles[a], roles[b]) })
}
