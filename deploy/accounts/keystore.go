package accounts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nkeys"

	"natster/events"
	"natster/internal/private"
)

// A keystore is a directory of
//
//	lock               held by the process that changes anything
//	operator.json      the operator's keys and JWT, and which accounts are the world's own
//	accounts/<A>.json  one account: its keys, its JWT, its users
//	names/<name>       the key of the enrolled account of that name, lower case
type keystore struct{ dir string }

// operatorFile is operator.json.
type operatorFile struct {
	Seed        string    `json:"seed"`         // the operator's identity; used once, to sign JWT
	SigningSeed string    `json:"signing_seed"` // signs accounts
	JWT         string    `json:"jwt"`
	Accounts    WellKnown `json:"accounts"`
	// Functions are the accounts of all functions that there ever were, by name.
	Functions map[string]events.Account `json:"functions,omitempty"`
}

// record is one file of accounts/.
type record struct {
	Account     events.Account        `json:"account"`
	Name        string                `json:"name"`
	Seed        string                `json:"seed"`         // the account's identity
	SigningSeed string                `json:"signing_seed"` // signs the account's users
	JWT         string                `json:"jwt"`          // for servers
	Users       map[string]userRecord `json:"users,omitempty"`
	Shape       string                `json:"shape,omitempty"` // userShape at its last edit
}

type userRecord struct {
	Seed        string      `json:"seed"`
	JWT         string      `json:"jwt"`
	Permissions Permissions `json:"permissions"`
}

// lockPoll is how often a waiting process tries to get the lock; an edit takes about as long.
const lockPoll = 2 * time.Millisecond

func (k keystore) create() error {
	for _, d := range []string{k.dir, k.path("accounts"), k.path("names")} {
		if err := private.Mkdir(d); err != nil {
			return fmt.Errorf("accounts: make the key directory: %w", err)
		}
	}
	return nil
}

func (k keystore) path(elem ...string) string {
	return filepath.Join(append([]string{k.dir}, elem...)...)
}

// file is the file of account a.
func (k keystore) file(a events.Account) string { return k.path("accounts", a.String()+".json") }

// lock locks the keystore, across goroutines and processes, until unlock is called.
func (k keystore) lock(ctx context.Context) (unlock func(), err error) {
	f := flock.New(k.path("lock"), flock.SetPermissions(private.FileMode))
	if _, err := f.TryLockContext(ctx, lockPoll); err != nil {
		return nil, fmt.Errorf("accounts: wait for the key directory's lock: %w", err)
	}
	return func() { _ = f.Close() }, nil // closing the file is what unlocks; nothing can be done if that fails
}

func (k keystore) operator() (operatorFile, error) {
	var o operatorFile
	err := readJSON(k.path("operator.json"), &o)
	if errors.Is(err, fs.ErrNotExist) {
		return o, fmt.Errorf("%s: %w", k.dir, ErrNoWorld)
	}
	return o, err
}

func (k keystore) putOperator(o operatorFile) error { return writeJSON(k.path("operator.json"), o) }

func (k keystore) account(a events.Account) (record, error) {
	var r record
	if a.IsZero() {
		return r, ErrUnknownAccount
	}
	err := readJSON(k.file(a), &r)
	if errors.Is(err, fs.ErrNotExist) {
		return r, fmt.Errorf("%s: %w", a, ErrUnknownAccount)
	}
	complete := r.Account == a && r.Seed != "" && r.SigningSeed != "" && r.JWT != ""
	if _, damaged := errors.AsType[*Damaged](err); damaged || err == nil && !complete {
		return record{}, &Damaged{Account: a, Name: k.nameOf(a), File: k.file(a)}
	}
	return r, err
}

// shaped reports whether the account was given shape last. It costs less than reading the record, which may still be
// damaged.
func (k keystore) shaped(a events.Account, shape string) bool {
	text, err := os.ReadFile(k.file(a))
	return err == nil && shape != "" && bytes.Contains(text, []byte(`"shape": "`+shape+`"`))
}

// nameOf returns the name that account a is enrolled under, if any.
func (k keystore) nameOf(a events.Account) string {
	names, err := os.ReadDir(k.path("names"))
	if err != nil {
		return ""
	}
	for _, f := range names {
		if key, err := os.ReadFile(k.path("names", f.Name())); err == nil && string(key) == a.String() {
			return f.Name()
		}
	}
	return ""
}

// A Damaged is the error about an account whose file is damaged. All other accounts can still be used.
type Damaged struct {
	Account events.Account
	Name    string // under which it was enrolled, if any
	File    string
}

// Error names the account and the file, and does not quote the file.
func (d *Damaged) Error() string {
	if d.Account.IsZero() {
		return d.File + " is damaged: restore it from a backup"
	}
	who := d.Account.String()
	if d.Name != "" {
		who = d.Name + " (" + who + ")"
	}
	return "account " + who + ": its file " + d.File + " is damaged"
}

// Remedy returns what to do about it.
func (d *Damaged) Remedy() string {
	return "restore " + d.File + " from a backup; its keys are in no other place"
}

func (k keystore) putAccount(r record) error { return writeJSON(k.file(r.Account), r) }

// named returns the key of the enrolled account called name, or the zero Account.
func (k keystore) named(name string) (events.Account, error) {
	key, err := os.ReadFile(k.path("names", strings.ToLower(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return events.Account{}, nil
	}
	if err != nil {
		return events.Account{}, fmt.Errorf("accounts: look up %q: %w", name, err)
	}
	if a, err := events.ParseAccount(string(key)); err == nil {
		return a, nil
	}
	return k.findNamed(name) // the file is damaged, but the account's own has the name too
}

// findNamed searches the files of all accounts for the one of that name.
func (k keystore) findNamed(name string) (events.Account, error) {
	keys, err := k.all()
	if err != nil {
		return events.Account{}, err
	}
	for _, a := range keys {
		if r, err := k.account(a); err == nil && strings.EqualFold(r.Name, name) {
			return a, k.putName(name, a)
		}
	}
	return events.Account{}, &Damaged{File: k.path("names", strings.ToLower(name))}
}

func (k keystore) putName(name string, a events.Account) error {
	return writeFile(k.path("names", strings.ToLower(name)), []byte(a.String()))
}

func (k keystore) all() ([]events.Account, error) {
	files, err := os.ReadDir(k.path("accounts"))
	if err != nil {
		return nil, fmt.Errorf("accounts: list the key directory: %w", err)
	}
	keys := make([]events.Account, 0, len(files))
	for _, f := range files {
		// Anything else is the temporary file of a write that did not finish.
		if a, err := events.ParseAccount(strings.TrimSuffix(f.Name(), ".json")); err == nil {
			keys = append(keys, a)
		}
	}
	return keys, nil
}

func newRecord(name string) (record, error) {
	identity, err := newKey(nkeys.CreateAccount)
	if err != nil {
		return record{}, err
	}
	signing, err := newKey(nkeys.CreateAccount)
	if err != nil {
		return record{}, err
	}
	a, err := events.ParseAccount(identity.public)
	return record{Account: a, Name: name, Seed: identity.seed, SigningSeed: signing.seed}, err
}

type key struct {
	pair         nkeys.KeyPair
	public, seed string
}

func newKey(create func() (nkeys.KeyPair, error)) (key, error) {
	pair, err := create()
	if err != nil {
		return key{}, fmt.Errorf("accounts: make a key: %w", err)
	}
	public, err := pair.PublicKey()
	if err != nil {
		return key{}, fmt.Errorf("accounts: make a key: %w", err)
	}
	seed, err := pair.Seed()
	return key{pair, public, string(seed)}, err
}

func publicOf(seed string) (string, error) {
	pair, err := nkeys.FromSeed([]byte(seed))
	if err != nil {
		return "", fmt.Errorf("accounts: a stored key: %w", err)
	}
	return pair.PublicKey()
}

// checkName refuses names that cannot be a file's on some system, and those of the world's own accounts.
func checkName(name string) error {
	if !events.IsAccountName(name) {
		return fmt.Errorf("%q: %w", name, ErrName)
	}
	switch strings.ToLower(name) {
	case systemAccount, globalAccount, dataAccount, hubAccount, siteAccount, events.None:
		return fmt.Errorf("%q: %w: %w", name, ErrName, ErrReservedName)
	}
	return nil
}

func readJSON(path string, v any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("accounts: read: %w", err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return &Damaged{File: path} // the decoder's own message may quote what it read
	}
	return nil
}

func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("accounts: write %s: %w", path, err)
	}
	return writeFile(path, append(text, '\n'))
}

func writeFile(path string, text []byte) error {
	if err := private.WriteFile(path, text); err != nil {
		return fmt.Errorf("accounts: write: %w", err)
	}
	return nil
}
