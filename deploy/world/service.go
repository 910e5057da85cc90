package world

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"natster/deploy/accounts"
	"natster/events"
	"natster/functions"
	"natster/internal/private"
)

// A Service is all that runs functions of a world outside it: on the same machine or another. It is a directory that Export
// writes, and that is as secret as the credentials in it:
//
//	service.json            where the world is; no secrets
//	<function>.creds        each function's own user
//	catalogs/hub.creds      the hub's account, for its catalog
//	vault.seed, web.seed    keys of the functions queries and websessions
//	nexlet.seed             the curve key of all nexlets that have this directory: what is sealed for one, all can open
type Service struct {
	dir  string
	file serviceFile
}

type serviceFile struct {
	URL         string             `json:"url"`
	Fingerprint string             `json:"fingerprint,omitempty"`
	Accounts    accounts.WellKnown `json:"accounts"`
	HubCatalog  events.Catalog     `json:"hub_catalog"`
	ClaimURL    string             `json:"claim_url,omitempty"`
	// World is the world's own directory. Where it is there, on the same machine, the function authority can be run, too.
	World string `json:"world"`
}

const (
	serviceName = "service.json"
	nexletSeed  = "nexlet.seed"

	// CatalogKeys is the directory in a service's directory that has the credentials of owners of catalogs.
	CatalogKeys = "catalogs"
)

// ErrNoService means that a directory is not what Export makes.
var ErrNoService = errors.New("no credentials for functions here (make them with: natster admin creds DIR)")

// Export writes what others need to run the functions of the running world in dir, into the directory to, which it makes.
// It may be repeated, and has to be when functions have changed what they declare.
func Export(ctx context.Context, dir, to, claimURL string) ([]functions.Function, error) {
	info, err := Find(dir)
	if err != nil {
		return nil, err
	}
	keeper, err := OpenKeeper(dir)
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("world: export: %w", err)
	}
	if err := private.Mkdir(filepath.Join(to, CatalogKeys)); err != nil {
		return nil, fmt.Errorf("world: export: %w", err)
	}
	if err := makeKeys(dir); err != nil {
		return nil, err
	}
	fns := Functions(Settings{
		Accounts: keeper.WellKnown(), HubCatalog: info.HubCatalog, ClaimURL: claimURL, Keys: dir, World: dir,
	})
	creds, err := Users(ctx, keeper, fns)
	if err != nil {
		return nil, err
	}
	write := func(name string, text []byte) {
		if err == nil {
			err = private.WriteFile(filepath.Join(to, name), text)
		}
	}
	for _, f := range fns {
		write(f.Name+".creds", creds[f.Name])
	}
	hub, hubErr := keeper.Owner(ctx, info.Hub)
	if hubErr != nil {
		return nil, hubErr
	}
	write(filepath.Join(CatalogKeys, "hub.creds"), hub)
	for _, name := range []string{vaultSeed, webSeed} {
		seed, readErr := os.ReadFile(filepath.Join(dir, name))
		if readErr != nil {
			return nil, fmt.Errorf("world: export: %w", readErr)
		}
		write(name, seed)
	}
	text, jsonErr := json.MarshalIndent(serviceFile{
		URL: info.URL, Fingerprint: info.Fingerprint, Accounts: keeper.WellKnown(), HubCatalog: info.HubCatalog, ClaimURL: claimURL, World: dir,
	}, "", "  ")
	if jsonErr != nil {
		return nil, fmt.Errorf("world: export: %w", jsonErr)
	}
	write(serviceName, append(text, '\n'))
	if err != nil {
		return nil, fmt.Errorf("world: export: %w", err)
	}
	_, err = curveKey(to, nexletSeed)
	return fns, err
}

// OpenService reads what Export wrote to dir. It fails with ErrNoService.
func OpenService(dir string) (*Service, error) {
	s := &Service{dir: dir}
	text, err := os.ReadFile(filepath.Join(dir, serviceName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoService)
	}
	if err != nil {
		return nil, fmt.Errorf("world: %w", err)
	}
	if err := json.Unmarshal(text, &s.file); err != nil {
		return nil, fmt.Errorf("world: %s is damaged: %w", filepath.Join(dir, serviceName), err)
	}
	for _, name := range []string{vaultSeed, webSeed, nexletSeed} { // a key that is made here would fit nothing
		if _, err := readCurveKey(dir, name); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: %s is missing: %w", dir, name, ErrNoService)
		} else if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Functions are the functions that can be run from here.
func (s *Service) Functions() []functions.Function {
	_, err := os.Stat(keysDir(s.file.World))
	return Functions(Settings{
		Accounts: s.file.Accounts, HubCatalog: s.file.HubCatalog, ClaimURL: s.file.ClaimURL, Keys: s.dir, World: s.file.World,
		WithoutAuthority: s.file.World == "" || err != nil,
	})
}

// Connect connects to the world, wherever it is. The connection reconnects for ever; the caller closes it.
func (s *Service) Connect(ctx context.Context, creds []byte, options ...nats.Option) (*nats.Conn, error) {
	info := Info{URL: s.file.URL, Fingerprint: s.file.Fingerprint}
	if now, err := Find(s.file.World); err == nil { // on this machine it may have moved to another port
		info = now
	}
	return info.Connect(ctx, creds, options...)
}

// Curve is the key that environments for the nexlets are sealed to.
func (s *Service) Curve() (nkeys.KeyPair, error) { return curveKey(s.dir, nexletSeed) }
