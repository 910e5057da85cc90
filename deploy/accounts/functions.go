package accounts

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"
	"golang.org/x/sync/errgroup"

	"natster/events"
	"natster/functions"
)

// Functions gives each function an account of its own, in which it has one user, and returns the credentials of these
// users by the function's name. What an account imports and exports follows from the function's declaration, so does
// what the accounts data and global export to it and import from it. All these exports are private: an import needs a
// token, which the exporting account has signed. A function that is not among fns any more loses all it had.
func (o *Operator) Functions(ctx context.Context, fns []functions.Function) (map[string]Creds, error) {
	byName := make(map[string]functions.Function, len(fns))
	for _, f := range fns {
		if err := f.Check(); err != nil {
			return nil, fmt.Errorf("accounts: %w", err)
		}
		if _, twice := byName[f.Name]; twice {
			return nil, fmt.Errorf("accounts: two functions are called %q", f.Name)
		}
		byName[f.Name] = f
	}
	creds := make(map[string]Creds, len(fns))
	err := o.locked(ctx, func(ctx context.Context, s *server) error {
		own, err := o.functionAccounts(ctx, s, slices.Sorted(maps.Keys(byName)))
		if err != nil {
			return err
		}
		b := bindings{o: o, accounts: own, functions: byName, signers: make(map[events.Account]func() (signer, error))}
		for _, a := range append(slices.Collect(maps.Values(own)), o.known.Data) {
			b.signers[a] = sync.OnceValues(func() (signer, error) { return o.signerOf(a) })
		}
		users := make(map[string]func() (Creds, error))
		var edits []func() error
		data := func() error { _, err := o.edit(ctx, s, o.known.Data, b.data); return err }
		edits = append(edits, data)
		for _, name := range b.providersFirst() {
			var r record
			edits = append(edits, func() (err error) {
				r, err = o.edit(ctx, s, own[name], b.function(byName[name]))
				return err
			})
			if _, runs := byName[name]; runs {
				users[name] = func() (Creds, error) { return r.creds(name) }
			}
		}
		if s != nil { // again: a running server binds an import only once the export is there
			edits = append(edits, data)
		}
		edits = append(edits, func() error { _, err := o.edit(ctx, s, o.known.Global, b.global); return err })
		if err := s.inTurn(edits); err != nil {
			return err
		}
		for name, user := range users {
			if creds[name], err = user(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("accounts of the functions: %w", err)
	}
	return creds, nil
}

// inTurn makes the edits one after the other. Without a server nobody sees their order: then they are made at once.
func (s *server) inTurn(edits []func() error) error {
	if s == nil {
		var atOnce errgroup.Group
		for _, edit := range edits {
			atOnce.Go(edit)
		}
		return atOnce.Wait()
	}
	for _, edit := range edits {
		if err := edit(); err != nil {
			return err
		}
	}
	return nil
}

// FunctionAccount returns the account of the function of that name. It fails with ErrUnknownAccount.
func (o *Operator) FunctionAccount(name string) (events.Account, error) {
	file, err := o.keys.operator()
	if err != nil {
		return events.Account{}, err
	}
	a, has := file.Functions[name]
	if !has {
		return a, fmt.Errorf("function %q: %w", name, ErrUnknownAccount)
	}
	return a, nil
}

// functionAccounts returns the accounts of all functions that ever were, and makes those of names that there are not.
func (o *Operator) functionAccounts(ctx context.Context, s *server, names []string) (map[string]events.Account, error) {
	file, err := o.keys.operator()
	if err != nil {
		return nil, err
	}
	all := maps.Clone(file.Functions)
	for _, name := range names {
		if _, has := all[name]; has {
			continue
		}
		r, err := newRecord(name)
		if err != nil {
			return nil, err
		}
		if r, err = o.store(record{}, r, jwt.NewAccountClaims(r.Account.String()), shapeNothing); err != nil {
			return nil, err
		}
		// A running server that is told of an import from an account that it does not know looks for it, for seconds.
		if err := s.push(ctx, r); err != nil {
			return nil, err
		}
		all[name] = r.Account
	}
	if len(all) == len(file.Functions) {
		return all, nil
	}
	file.Functions = all // after their files: an account that is named here is there
	return all, o.keys.putOperator(file)
}

func shapeNothing(*record, *jwt.AccountClaims) error { return nil }

// bindings are what binds the accounts of the functions to each other and to the accounts data and global.
type bindings struct {
	o         *Operator
	accounts  map[string]events.Account
	functions map[string]functions.Function             // those that run
	signers   map[events.Account]func() (signer, error) // of those that export
}

// discovery is where NATS micro services answer to discovery.
const discovery = "$SRV.>"

// providersFirst returns the names of all functions, those with internal endpoints before those that call them.
func (b bindings) providersFirst() []string {
	calls := func(name string) int { return min(len(b.functions[name].Access.Calls), 1) }
	names := slices.Sorted(maps.Keys(b.accounts))
	slices.SortStableFunc(names, func(x, y string) int { return calls(x) - calls(y) })
	return names
}

// data is the shape of the account that owns JetStream: it exports to each function what that declares, and hears all
// of them in discovery.
func (b bindings) data(r *record, c *jwt.AccountClaims) error {
	old := c.Imports
	c.Exports, c.Imports = nil, nil
	for _, name := range slices.Sorted(maps.Keys(b.functions)) {
		for _, s := range b.functions[name].Data() {
			setExport(c, privateService(s))
		}
		i, err := b.imported(old, r.Account, b.accounts[name], discovery, "")
		if err != nil {
			return err
		}
		c.Imports.Add(i)
	}
	return nil
}

// global is the shape of the account that users import: it passes their requests on.
func (b bindings) global(r *record, c *jwt.AccountClaims) error {
	old := c.Imports
	c.Imports = nil
	for _, name := range slices.Sorted(maps.Keys(b.functions)) {
		public, _ := b.functions[name].Endpoints()
		for _, subject := range public {
			i, err := b.imported(old, r.Account, b.accounts[name], subject, "")
			if err != nil {
				return err
			}
			c.Imports.Add(i)
		}
	}
	return nil
}

// function returns the shape of the account of f, of the zero value for one that does not run.
func (b bindings) function(f functions.Function) shape {
	return func(r *record, c *jwt.AccountClaims) error {
		old := c.Imports
		c.Exports = slices.DeleteFunc(c.Exports, func(e *jwt.Export) bool { return e.TokenReq })
		c.Imports = nil
		if f.Name == "" {
			return r.keepUsers(c)
		}
		public, internal := f.Endpoints()
		for _, subject := range slices.Concat(public, internal) {
			setExport(c, privateService(functions.Service{Subject: subject, Timeout: functions.RequestTimeout}))
		}
		setExport(c, privateService(functions.Service{Subject: discovery, Many: true, Timeout: discoveryTimeout}))
		for _, s := range f.Data() {
			i, err := b.imported(old, r.Account, b.o.known.Data, s.Subject, s.Local)
			if err != nil {
				return err
			}
			c.Imports.Add(i)
		}
		for _, subject := range f.Access.Calls {
			provider := b.provider(subject)
			if provider.IsZero() {
				continue // it does not run here: nobody answers
			}
			i, err := b.imported(old, r.Account, provider, subject, "")
			if err != nil {
				return err
			}
			c.Imports.Add(i)
		}
		p := f.Permissions()
		mine := Permissions{Publish: p.Publish, Subscribe: p.Subscribe, Responses: 1}
		if err := r.setUser(c, f.Name, mine); err != nil {
			return err
		}
		return r.keepUsers(c, f.Name)
	}
}

// provider returns the account of the function that answers the internal subject.
func (b bindings) provider(subject string) events.Account {
	for name, f := range b.functions {
		_, internal := f.Endpoints()
		for _, served := range internal {
			if jwt.Subject(subject).IsContainedIn(jwt.Subject(served)) {
				return b.accounts[name]
			}
		}
	}
	return events.Account{}
}

// discoveryTimeout is how long a service may take to answer discovery.
const discoveryTimeout = 10 * time.Second

// privateService returns the export of a service for those only who have a token.
func privateService(s functions.Service) *jwt.Export {
	e := &jwt.Export{
		Name: s.Subject, Subject: jwt.Subject(s.Subject), Type: jwt.Service,
		TokenReq: true, ResponseType: jwt.ResponseTypeSingleton, ResponseThreshold: s.Timeout,
	}
	if s.Many {
		e.ResponseType = jwt.ResponseTypeStream
	}
	return e
}

// A signer is what an account signs its tokens with.
type signer struct {
	pair   nkeys.KeyPair
	public string
}

// imported returns the import of a private service, with the token that old has for it or a new one.
func (b bindings) imported(
	old jwt.Imports, importer, exporter events.Account, subject, local string,
) (*jwt.Import, error) {
	by, err := b.signers[exporter]()
	if err != nil {
		return nil, err
	}
	i := &jwt.Import{
		Name: subject, Subject: jwt.Subject(subject), Account: exporter.String(), Type: jwt.Service,
	}
	if local != subject {
		i.LocalSubject = jwt.RenamingSubject(local)
	}
	for _, had := range old {
		if had.Subject == i.Subject && had.Account == i.Account && activates(had.Token, by.public, importer, i) {
			i.Token = had.Token
			return i, nil
		}
	}
	token := jwt.NewActivationClaims(importer.String())
	token.IssuerAccount = exporter.String()
	token.ImportSubject, token.ImportType = i.Subject, i.Type
	if i.Token, err = token.Encode(by.pair); err != nil {
		return nil, fmt.Errorf("accounts: sign the token for %s: %w", subject, err)
	}
	return i, nil
}

// activates reports whether the token lets importer have i, signed with the key that the exporter signs with now.
func activates(token, signer string, importer events.Account, i *jwt.Import) bool {
	if token == "" {
		return false
	}
	c, err := jwt.DecodeActivationClaims(token)
	return err == nil && c.Issuer == signer && c.IssuerAccount == i.Account && c.Subject == importer.String() &&
		c.ImportSubject == i.Subject && c.ImportType == i.Type && c.Expires == 0
}

// signerOf returns what account a signs with.
func (o *Operator) signerOf(a events.Account) (signer, error) {
	r, err := o.keys.account(a)
	if err != nil {
		return signer{}, err
	}
	pair, err := nkeys.FromSeed([]byte(r.SigningSeed))
	if err != nil {
		return signer{}, fmt.Errorf("accounts: the signing key of %s: %w", a, err)
	}
	public, err := pair.PublicKey()
	return signer{pair, public}, err
}
