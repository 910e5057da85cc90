package accounts

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"natster/events"
	"natster/functions"
)

// An Operator changes accounts with a NATS operator's own keys, which it keeps in a directory. All of its methods may
// run concurrently, in several processes.
type Operator struct {
	keys   keystore
	dial   Dial
	signer nkeys.KeyPair
	token  string // the operator's JWT
	claims *jwt.OperatorClaims
	known  WellKnown
	limits functions.Limits // of users' accounts
}

// Telling returns an Operator with the same keys that sends changes to a running server, which it reaches by dial.
func (o *Operator) Telling(dial Dial) *Operator {
	other := *o
	other.dial = dial
	return &other
}

// Bootstrap makes the operator and the world's own accounts in dir, or updates all accounts that are there, users'
// accounts among them, which have the limits l from then on; it keeps keys that exist. It neither needs nor changes a
// running server; see [Operator.Renew].
func Bootstrap(ctx context.Context, dir string, l functions.Limits) error {
	k := keystore{dir}
	if err := k.create(); err != nil {
		return err
	}
	unlock, err := k.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := k.operator(); errors.Is(err, ErrNoWorld) {
		return found(k)
	} else if err != nil {
		return err
	}
	o, err := Open(dir, l, nil)
	if err != nil {
		return err
	}
	return o.renew(ctx, nil)
}

// Renew gives every account the exports, imports and web keys of this version of Natster, and the limits that o has,
// and sends each account to the running server: for servers that kept running while the version or the limits changed.
func (o *Operator) Renew(ctx context.Context) error { return o.locked(ctx, o.renew) }

// renew is Renew for a caller that holds the keystore's lock.
func (o *Operator) renew(ctx context.Context, s *server) error {
	if err := o.split(); err != nil {
		return err
	}
	own := make(map[events.Account]bool)
	var edits []func() error
	for _, x := range o.own() {
		own[*x.account] = true
		edits = append(edits, func() error { _, err := o.edit(ctx, s, *x.account, x.shape); return err })
	}
	if err := s.inTurn(edits); err != nil {
		return err
	}
	file, err := o.keys.operator()
	if err != nil {
		return err
	}
	for _, a := range file.Functions { // whose shape is their declaration: see Functions
		own[a] = true
	}
	all, err := o.keys.all()
	if err != nil {
		return err
	}
	today := o.userShape()
	for _, a := range all {
		if own[a] || s == nil && o.keys.shaped(a, today) {
			continue
		}
		_, err := o.edit(ctx, s, a, o.user)
		if _, damaged := errors.AsType[*Damaged](err); err != nil && !damaged { // which stops only that account
			return err
		}
	}
	return nil
}

// split brings over a world from when the functions were users of one account, global, that owned JetStream: that
// account becomes data, with all that it stores, and global and feed are new ones. No data moves.
func (o *Operator) split() error {
	file, err := o.keys.operator()
	if err != nil {
		return err
	}
	if !file.Accounts.Data.IsZero() {
		o.known = file.Accounts
		return nil
	}
	o.known = file.Accounts
	o.known.Data, o.known.Global = o.known.Global, events.Account{}
	for _, own := range o.own() {
		if !own.account.IsZero() {
			continue
		}
		r, err := newRecord(own.name)
		if err != nil {
			return err
		}
		*own.account = r.Account
		if _, err := o.store(record{}, r, jwt.NewAccountClaims(r.Account.String()), own.shape); err != nil {
			return err
		}
	}
	file.Accounts, file.Functions = o.known, map[string]events.Account{feedAccount: o.known.Feed}
	return o.keys.putOperator(file) // last: until it is there, the world is as it was
}

// user is the shape of an enrolled account.
func (o *Operator) user(r *record, c *jwt.AccountClaims) error {
	limit(c, o.limits)
	return o.servant(r, c)
}

// servant is the shape of the world's own accounts that are users like any other, but serve everybody: no limit.
func (o *Operator) servant(r *record, c *jwt.AccountClaims) error {
	shapeUser(c, r.Account, o.known)
	renewWebScopes(c)
	r.Shape = o.userShape()
	return r.setUser(c, OwnerUser, Permissions{All: true})
}

// userShape returns a word for what user gives an account; versions of Natster that give something else have another.
func (o *Operator) userShape() string {
	self := o.known.Hub // any account, but always the same
	c := jwt.NewAccountClaims(self.String())
	shapeAll(c)
	limit(c, o.limits)
	shapeUser(c, self, o.known)
	text, err := json.Marshal([]any{c, webScope("", time.Time{}), Permissions{All: true}})
	if err != nil {
		return "" // the shape of no account, so that renew edits all
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// found makes a new operator. The operator's file comes last: without it there is no world, however far this got.
func found(k keystore) error {
	identity, err := newKey(nkeys.CreateOperator)
	if err != nil {
		return err
	}
	signing, err := newKey(nkeys.CreateOperator)
	if err != nil {
		return err
	}
	o := &Operator{keys: k, signer: signing.pair}
	fresh := make(map[*events.Account]record)
	for _, own := range o.own() { // all keys first: shapes contain the keys of other accounts
		r, err := newRecord(own.name)
		if err != nil {
			return err
		}
		*own.account, fresh[own.account] = r.Account, r
	}
	for _, own := range o.own() {
		claims := jwt.NewAccountClaims(own.account.String())
		if _, err := o.store(record{}, fresh[own.account], claims, own.shape); err != nil {
			return err
		}
	}
	claims := jwt.NewOperatorClaims(identity.public)
	claims.Name = "natster"
	claims.SigningKeys.Add(signing.public)
	claims.StrictSigningKeyUsage = true
	claims.SystemAccount = o.known.System.String()
	token, err := claims.Encode(identity.pair)
	if err != nil {
		return fmt.Errorf("accounts: sign the operator: %w", err)
	}
	return k.putOperator(operatorFile{
		Seed: identity.seed, SigningSeed: signing.seed, JWT: token, Accounts: o.known,
		Functions: map[string]events.Account{feedAccount: o.known.Feed},
	})
}

// A shape gives an account what it ought to have.
type shape func(*record, *jwt.AccountClaims) error

// An ownAccount is one of the world's own.
type ownAccount struct {
	name    string
	account *events.Account
	shape   shape
}

func (o *Operator) own() []ownAccount {
	system := func(r *record, c *jwt.AccountClaims) error { return r.setUser(c, keeperUser, pushPermissions()) }
	feed := func(_ *record, c *jwt.AccountClaims) error { shapeFeed(c); return nil }
	return []ownAccount{
		{systemAccount, &o.known.System, system},
		{globalAccount, &o.known.Global, shapeGlobal},
		{dataAccount, &o.known.Data, shapeData},
		{feedAccount, &o.known.Feed, feed},
		{hubAccount, &o.known.Hub, o.servant},
		{siteAccount, &o.known.Site, o.servant},
	}
}

// Open returns the operator whose keys are in dir, and who gives users' accounts the limits l. It fails with ErrNoWorld
// when there is none. The operator sends every change to the server that dial reaches. With a nil dial changes are only
// stored, for the next start of the server: right only for a caller that has locked the world and knows that no server
// runs.
func Open(dir string, l functions.Limits, dial Dial) (*Operator, error) {
	k := keystore{dir}
	file, err := k.operator()
	if err != nil {
		return nil, err
	}
	claims, err := jwt.DecodeOperatorClaims(file.JWT)
	if err != nil {
		return nil, fmt.Errorf("accounts: the operator's JWT in %s: %w", dir, err)
	}
	signer, err := nkeys.FromSeed([]byte(file.SigningSeed))
	if err != nil {
		return nil, fmt.Errorf("accounts: the operator's signing key in %s: %w", dir, err)
	}
	return &Operator{
		keys: k, dial: dial, signer: signer, token: file.JWT, claims: claims, known: file.Accounts, limits: l,
	}, nil
}

// Token is the operator's JWT as it is signed, for the configuration of a NATS server. It is public.
func (o *Operator) Token() string { return o.token }

// Claims is the operator's JWT, decoded: what a NATS server trusts.
func (o *Operator) Claims() *jwt.OperatorClaims { return o.claims }

// WellKnown are the world's own accounts.
func (o *Operator) WellKnown() WellKnown { return o.known }

// Enrol returns the account called name, which it creates if there is none: with the exports of every Natster user, the
// imports of the global account, and one user who may do everything in the account. It fails with ErrName for a name
// that cannot be used.
func (o *Operator) Enrol(ctx context.Context, name string) (Enrolment, error) {
	if err := checkName(name); err != nil {
		return Enrolment{}, err
	}
	var r record
	err := o.locked(ctx, func(ctx context.Context, s *server) error {
		a, err := o.keys.named(name)
		if err != nil {
			return err
		}
		if a.IsZero() {
			fresh, err := newRecord(name)
			if err != nil {
				return err
			}
			a = fresh.Account
			if _, err := o.store(record{}, fresh, jwt.NewAccountClaims(a.String()), o.user); err != nil {
				return err
			}
			if err := o.keys.putName(name, a); err != nil {
				return err
			}
		}
		r, err = o.edit(ctx, s, a, o.user)
		return err
	})
	if err != nil {
		return Enrolment{}, fmt.Errorf("enrol %q: %w", name, err)
	}
	creds, err := r.creds(OwnerUser)
	return Enrolment{Account: r.Account, Name: r.Name, Creds: creds}, err
}

// locked runs do while it holds the keystore's lock and a connection to the running server.
func (o *Operator) locked(ctx context.Context, do func(context.Context, *server) error) error {
	if _, has := ctx.Deadline(); !has {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, editTimeout)
		defer cancel()
	}
	s, err := o.reach(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	unlock, err := o.keys.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return do(ctx, s)
}

// change is edit for a caller that holds no lock yet.
func (o *Operator) change(ctx context.Context, a events.Account, change shape) (r record, err error) {
	err = o.locked(ctx, func(ctx context.Context, s *server) error {
		r, err = o.edit(ctx, s, a, change)
		return err
	})
	return r, err
}

// read returns the record of account a and its claims.
func (o *Operator) read(a events.Account) (record, *jwt.AccountClaims, error) {
	r, err := o.keys.account(a)
	if err != nil {
		return r, nil, err
	}
	claims, err := jwt.DecodeAccountClaims(r.JWT)
	if err != nil {
		return r, nil, o.Damaged(Known{Account: a, Name: r.Name})
	}
	return r, claims, nil
}

// edit changes account a in the keystore and sends it to the server, even if it needed no change: an earlier edit may
// have been stored and not have arrived.
func (o *Operator) edit(ctx context.Context, s *server, a events.Account, change shape) (record, error) {
	r, claims, err := o.read(a)
	if err != nil {
		return r, err
	}
	before := r
	before.Users = maps.Clone(r.Users)
	if r, err = o.store(before, r, claims, change); err != nil {
		return r, err
	}
	err = s.push(ctx, r)
	if errors.Is(err, ErrRefused) { // and always would be, so the edit is undone
		err = errors.Join(err, o.keys.putAccount(before))
	}
	return r, err
}

// store applies change to r and its claims, signs the claims if they changed, and writes r if it is not as before.
// Claims that this operator has signed are valid: only others are validated.
func (o *Operator) store(before, r record, claims *jwt.AccountClaims, change shape) (record, error) {
	inOrder(claims)
	was, err := json.Marshal(claims) // what before.JWT says, if there is one
	if err != nil {
		return r, fmt.Errorf("accounts: claims of %s: %w", r.Account, err)
	}
	claims.Name = r.Name
	shapeAll(claims)
	signing, err := publicOf(r.SigningSeed)
	if err != nil {
		return r, err
	}
	claims.SigningKeys.Add(signing)
	if err := change(&r, claims); err != nil {
		return r, err
	}
	inOrder(claims)
	is, err := json.Marshal(claims)
	if err != nil {
		return r, fmt.Errorf("accounts: claims of %s: %w", r.Account, err)
	}
	mine, err := o.signer.PublicKey()
	if err != nil {
		return r, fmt.Errorf("accounts: the operator's signing key: %w", err)
	}
	changed := before.JWT == "" || !bytes.Equal(was, is)
	if changed || claims.Issuer != mine {
		var results jwt.ValidationResults
		claims.Validate(&results)
		if results.IsBlocking(true) {
			return r, fmt.Errorf("%s: %w: %w", r.Account, ErrRefused, errors.Join(results.Errors()...))
		}
	}
	if changed {
		if r.JWT, err = claims.Encode(o.signer); err != nil {
			return r, fmt.Errorf("accounts: sign %s: %w", r.Account, err)
		}
	}
	if reflect.DeepEqual(before, r) {
		return r, nil
	}
	return r, o.keys.putAccount(r)
}

// inOrder sorts exports and imports, whose order says nothing: signing claims sorts them, too, but not always alike.
func inOrder(c *jwt.AccountClaims) {
	slices.SortFunc(c.Exports, func(a, b *jwt.Export) int { return cmp.Compare(a.Subject, b.Subject) })
	slices.SortFunc(c.Imports, func(a, b *jwt.Import) int {
		return cmp.Or(cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Account, b.Account))
	})
}
