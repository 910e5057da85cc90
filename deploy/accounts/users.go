package accounts

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"natster/events"
)

// User returns the credentials of account a's user called name, who may do what p says; it creates the user if there is
// none. When p is not what the user had before, earlier credentials stop working. It fails with ErrUnknownAccount.
func (o *Operator) User(ctx context.Context, a events.Account, name string, p Permissions) (Creds, error) {
	all, err := o.Users(ctx, a, map[string]Permissions{name: p})
	return all[name], err
}

// Owner returns the credentials of the user who may do everything in account a.
func (o *Operator) Owner(ctx context.Context, a events.Account) (Creds, error) {
	return o.User(ctx, a, OwnerUser, Permissions{All: true})
}

// Admin returns the credentials of the user who may do everything in the account that owns JetStream.
func (o *Operator) Admin(ctx context.Context) (Creds, error) {
	return o.User(ctx, o.known.Data, AdminUser, Permissions{All: true})
}

// Users is User for many users of an account at once.
func (o *Operator) Users(
	ctx context.Context, a events.Account, users map[string]Permissions,
) (map[string]Creds, error) {
	r, err := o.change(ctx, a, func(r *record, c *jwt.AccountClaims) error {
		for _, name := range slices.Sorted(maps.Keys(users)) {
			if err := r.setUser(c, name, users[name]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("users of %s: %w", a, err)
	}
	all := make(map[string]Creds, len(users))
	for name := range users {
		if all[name], err = r.creds(name); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// setUser gives r a user called name who may do what p says. A user who could do something else before gets a new key,
// and the old one is revoked in c.
func (r *record) setUser(c *jwt.AccountClaims, name string, p Permissions) error {
	if !events.IsAccountName(name) {
		return fmt.Errorf("user %q: %w", name, ErrName)
	}
	if old, exists := r.Users[name]; exists {
		if reflect.DeepEqual(old.Permissions, p) {
			return nil
		}
		public, err := publicOf(old.Seed)
		if err != nil {
			return err
		}
		c.Revoke(public)
	}
	user, err := newKey(nkeys.CreateUser)
	if err != nil {
		return err
	}
	signer, err := nkeys.FromSeed([]byte(r.SigningSeed))
	if err != nil {
		return fmt.Errorf("accounts: the signing key of %s: %w", r.Account, err)
	}
	claims := jwt.NewUserClaims(user.public)
	claims.Name = name
	claims.IssuerAccount = r.Account.String()
	claims.Permissions = p.claims()
	var results jwt.ValidationResults
	claims.Validate(&results)
	if results.IsBlocking(true) {
		return fmt.Errorf("accounts: permissions of user %q: %w", name, errors.Join(results.Errors()...))
	}
	token, err := claims.Encode(signer)
	if err != nil {
		return fmt.Errorf("accounts: sign user %q: %w", name, err)
	}
	if r.Users == nil {
		r.Users = make(map[string]userRecord)
	}
	r.Users[name] = userRecord{Seed: user.seed, JWT: token, Permissions: p}
	return nil
}

// keepUsers removes all users of r but those, and revokes their credentials in c.
func (r *record) keepUsers(c *jwt.AccountClaims, names ...string) error {
	for _, name := range slices.Sorted(maps.Keys(r.Users)) {
		if slices.Contains(names, name) {
			continue
		}
		public, err := publicOf(r.Users[name].Seed)
		if err != nil {
			return err
		}
		c.Revoke(public)
		delete(r.Users, name)
	}
	return nil
}

func (r *record) creds(user string) (Creds, error) {
	u, ok := r.Users[user]
	if !ok {
		return nil, fmt.Errorf("%s has no user %q: %w", r.Account, user, ErrUnknownAccount)
	}
	creds, err := jwt.FormatUserConfig(u.JWT, []byte(u.Seed))
	if err != nil {
		return nil, fmt.Errorf("accounts: credentials of user %q of %s: %w", user, r.Account, err)
	}
	return creds, nil
}

// claims returns p in the form of a JWT, where an empty list restricts nothing: so an empty list of p becomes a denial
// of everything.
func (p Permissions) claims() jwt.Permissions {
	if p.All {
		return jwt.Permissions{}
	}
	list := func(allowed []string) jwt.Permission {
		if len(allowed) == 0 {
			return jwt.Permission{Deny: jwt.StringList{">"}}
		}
		return jwt.Permission{Allow: allowed}
	}
	c := jwt.Permissions{Pub: list(p.Publish), Sub: list(p.Subscribe)}
	if p.Responses > 0 {
		c.Resp = &jwt.ResponsePermission{MaxMsgs: p.Responses, Expires: p.ResponseTime}
	}
	return c
}
