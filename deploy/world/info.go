package world

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"

	"natster/deploy/accounts"
	"natster/events"
	"natster/internal/private"
)

// Info is what a process needs to know about a world in order to use it: the content of world.json. It has no secrets.
type Info struct {
	Running      bool      `json:"running"`       // false when the world was stopped; a crash leaves it true
	PID          int       `json:"pid,omitempty"` // while running
	Started      time.Time `json:"started"`
	URL          string    `json:"url"`           // for NATS clients on this machine
	WebSocketURL string    `json:"websocket_url"` // the same over WebSocket
	Fingerprint  string    `json:"fingerprint,omitempty"`
	accounts.WellKnown
	HubCatalog events.Catalog `json:"hub_catalog"`
}

// DefaultHubCatalog is the name of the hub's catalog where none is configured.
const DefaultHubCatalog = "natsterhub"

// infoFile is the name of the file in a world's directory that describes it to other processes.
const infoFile = "world.json"

// Find reads the Info of the world in dir. It fails with accounts.ErrNoWorld when there never was one and with
// accounts.ErrNotRunning, beside the last Info, when the world was stopped. A world that crashed is still found as
// running: only a connection proves that it is.
func Find(dir string) (Info, error) {
	info, err := readInfo(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return info, fmt.Errorf("%s: %w", dir, accounts.ErrNoWorld)
	case err != nil:
		return info, err
	case !info.Running:
		return info, fmt.Errorf("%s: %w", dir, accounts.ErrNotRunning)
	}
	return info, nil
}

// OpenKeeper returns the keeper of the accounts of the world in dir, which another process runs.
func OpenKeeper(dir string) (*accounts.Operator, error) {
	dial := func(ctx context.Context, creds accounts.Creds, options ...nats.Option) (*nats.Conn, error) {
		info, err := Find(dir)
		if err != nil {
			return nil, err
		}
		return info.Connect(ctx, creds, options...)
	}
	limits, err := ReadLimits(dir)
	if err != nil {
		return nil, err
	}
	return accounts.Open(keysDir(dir), limits, dial)
}

func keysDir(dir string) string { return filepath.Join(dir, "keys") }

func readInfo(dir string) (Info, error) {
	var info Info
	text, err := os.ReadFile(filepath.Join(dir, infoFile))
	if err != nil {
		return info, fmt.Errorf("world: %w", err)
	}
	if err := json.Unmarshal(text, &info); err != nil {
		return Info{}, fmt.Errorf("world: %s: %w", filepath.Join(dir, infoFile), err)
	}
	return info, nil
}

// Save writes i to the world's directory, where Find reads it.
func (i Info) Save(dir string) error { return writeJSON(filepath.Join(dir, infoFile), i) }

func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = private.WriteFile(path, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("world: %w", err)
	}
	return nil
}
