package accounts

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"natster/events"
	"natster/functions/api"
)

// A WebKeeper lets an account be used from a website, and ends that. It is beside [Keeper] because only the account's
// owner can do it, where the keys of the account are.
type WebKeeper interface {
	// AddWebKey gives account a another scoped signing key and returns its seed, which is kept nowhere: whoever has it
	// can make users of the account who may do what [WebPermissions] says and nothing else, over WebSocket, until the
	// key is revoked. An account has at most [MaxWebKeys]; the oldest makes room. It fails with ErrUnknownAccount.
	AddWebKey(ctx context.Context, a events.Account) (seed []byte, err error)

	// RevokeWebKeys takes all of them back and returns how many there were: their users are cut off at once.
	// It fails with ErrUnknownAccount.
	RevokeWebKeys(ctx context.Context, a events.Account) (int, error)
}

var _ WebKeeper = (*Operator)(nil)

// MaxWebKeys is how many web logins an account can have at a time.
const MaxWebKeys = 8

// webRole begins the role of scoped keys for the website; when the key was made follows, so that roles sort by age.
const webRole = "natster-web "

const webRoleTime = "2006-01-02T15:04:05.000000000Z"

// WebPermissions are all that a user of a web session may do in its account. `{{subject()}}` is the user's own key: no
// web session can read the replies to another. It may not make one-time codes (a stolen session must not bind further
// logins), and not claim to serve a catalog.
func WebPermissions() Permissions {
	return Permissions{
		Publish: []string{
			api.Whoami.Subject(),
			api.Stats.Subject(),
			api.MyShares.Subject(),
			api.Names.Subject(),
			api.Put.Subject(),
			api.ValidateName.Subject(),
			api.ImportCatalog.Subject(),
			api.UnimportCatalog.Subject(),
			api.ListImports.Subject(),
			events.LocalInbox,
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
	s.Template.Permissions = WebPermissions().claims()
	s.Template.Subs, s.Template.Data, s.Template.Payload = jwt.NoLimit, jwt.NoLimit, jwt.NoLimit
	s.Template.AllowedConnectionTypes = jwt.StringList{jwt.ConnectionTypeWebsocket}
	return s
}

// renewWebScopes gives the web keys of c the permissions that web sessions have today.
func renewWebScopes(c *jwt.AccountClaims) {
	for _, key := range webKeys(c) {
		if s, ok := c.SigningKeys[key].(*jwt.UserScope); ok {
			s.Template.Permissions = WebPermissions().claims()
		}
	}
}

// AddWebKey implements WebKeeper.
func (o *Operator) AddWebKey(ctx context.Context, a events.Account) ([]byte, error) {
	k, err := newKey(nkeys.CreateAccount)
	if err != nil {
		return nil, err
	}
	err = o.locked(ctx, func(ctx context.Context, s *server) error {
		_, err := o.edit(ctx, s, a, func(_ *record, c *jwt.AccountClaims) error {
			for old := webKeys(c); len(old) >= MaxWebKeys; old = old[1:] {
				delete(c.SigningKeys, old[0])
			}
			c.SigningKeys.AddScopedSigner(webScope(k.public, time.Now()))
			return nil
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("web key of %s: %w", a, err)
	}
	return []byte(k.seed), nil
}

// RevokeWebKeys implements WebKeeper.
func (o *Operator) RevokeWebKeys(ctx context.Context, a events.Account) (n int, err error) {
	err = o.locked(ctx, func(ctx context.Context, s *server) error {
		_, err := o.edit(ctx, s, a, func(_ *record, c *jwt.AccountClaims) error {
			old := webKeys(c)
			n = len(old)
			for _, k := range old {
				delete(c.SigningKeys, k)
			}
			return nil
		})
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("web keys of %s: %w", a, err)
	}
	return n, nil
}

// webKeys are the claims' scoped keys for the website, the oldest first.
func webKeys(c *jwt.AccountClaims) []string {
	type aged struct{ role, key string }
	var all []aged
	for key, scope := range c.SigningKeys {
		if s, ok := scope.(*jwt.UserScope); ok && strings.HasPrefix(s.Role, webRole) {
			all = append(all, aged{s.Role, key})
		}
	}
	slices.SortFunc(all, func(a, b aged) int { return strings.Compare(a.role, b.role) })
	keys := make([]string, len(all))
	for i, a := range all {
		keys[i] = a.key
	}
	return keys
}
