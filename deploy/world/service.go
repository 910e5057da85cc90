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

	"natster/functions"
	"natster/internal/private"
)

// A Service is a directory with all that is needed to run functions of a world outside it, on the same machine or
// another. [Export] writes it, and it is as secret as the credentials in it:
//
//	service.json            where the world is; no secrets
//	<function>.creds        the user of each function's account
//	catalogs/hub.creds      the hub's account, for its catalog
//	vault.seed, web.seed    keys of the functions queries and websessions
//	nexlet.seed             the curve key of all nexlets with this directory: each can open what is sealed to it
type Service string

// serviceFile is service.json.
type serviceFile struct {
	URL         string `json:"url"`
	Fingerprint string `json:"fingerprint,omitempty"`
	Settings
}

const (
	serviceName = "service.json"
	nexletSeed  = "nexlet.seed"
)

// ErrNoService means that a directory is not what Export makes.
var ErrNoService = errors.New("no credentials for functions here (make them with: natster admin creds DIR)")

// Export writes what others need to run the functions of the running world in dir, into the directory to, which it
// makes. It may be repeated, and has to be when functions have changed what they declare.
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
	if err := CheckSeeds(dir); err != nil {
		return nil, err
	}
	limits, err := ReadLimits(dir)
	if err != nil {
		return nil, err
	}
	settings := Settings{
		Accounts: keeper.WellKnown(), HubCatalog: info.HubCatalog, ClaimURL: claimURL, Keys: dir, World: dir,
		Limits: limits,
	}
	fns := Functions(settings)
	creds, err := keeper.Functions(ctx, fns)
	if err != nil {
		return nil, err
	}
	hub, err := keeper.Owner(ctx, info.Hub)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{filepath.Join("catalogs", "hub.creds"): hub}
	for _, f := range fns {
		files[f.Name+".creds"] = creds[f.Name]
	}
	for _, name := range []string{vaultSeed, webSeed} {
		if files[name], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			return nil, fmt.Errorf("world: export: %w", err)
		}
	}
	err = private.Mkdir(filepath.Join(to, "catalogs"))
	for name, text := range files {
		if err == nil {
			err = private.WriteFile(filepath.Join(to, name), text)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("world: export: %w", err)
	}
	if _, err := curveKey(private.CurveKey, to, nexletSeed); err != nil {
		return nil, err
	}
	// This file comes last: where it is, the others are.
	return fns, writeJSON(filepath.Join(to, serviceName), serviceFile{info.URL, info.Fingerprint, settings})
}

// read returns what Export wrote. It fails with ErrNoService.
func (s Service) read() (f serviceFile, err error) {
	path := filepath.Join(string(s), serviceName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, fmt.Errorf("%s: %w", s, ErrNoService)
	}
	if err != nil {
		return f, fmt.Errorf("world: %w", err)
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return f, fmt.Errorf("world: %s is damaged: %w", path, err)
	}
	for _, name := range []string{vaultSeed, webSeed, nexletSeed} { // a key that is made here would fit nothing
		if _, err := curveKey(private.ReadCurveKey, string(s), name); errors.Is(err, fs.ErrNotExist) {
			return f, fmt.Errorf("%s: %s is missing: %w", s, name, ErrNoService)
		} else if err != nil {
			return f, err
		}
	}
	return f, nil
}

// Functions returns the functions that can be run from here. Where nothing was exported it returns all that are
// declared, so that deploying one says what is missing.
func (s Service) Functions() ([]functions.Function, error) {
	f, err := s.read()
	switch {
	case errors.Is(err, ErrNoService):
		return Functions(Settings{}), nil
	case err != nil:
		return nil, err
	}
	f.Keys = string(s)
	_, err = os.Stat(keysDir(f.World))
	f.WithoutAuthority = f.World == "" || err != nil
	return Functions(f.Settings), nil
}

// Connect connects to the world, wherever it is. The connection reconnects without limit; the caller closes it. It
// fails with ErrNoService.
func (s Service) Connect(ctx context.Context, creds []byte, options ...nats.Option) (*nats.Conn, error) {
	f, err := s.read()
	if err != nil {
		return nil, err
	}
	info := Info{URL: f.URL, Fingerprint: f.Fingerprint}
	if now, err := Find(f.World); err == nil { // on this machine it may have moved to another port
		info = now
	}
	return info.Connect(ctx, creds, options...)
}

// Curve returns the key that environments for the nexlets are sealed to. It fails with ErrNoService.
func (s Service) Curve() (nkeys.KeyPair, error) {
	if _, err := s.read(); err != nil {
		return nil, err
	}
	return curveKey(private.ReadCurveKey, string(s), nexletSeed)
}
