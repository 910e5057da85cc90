package nexlet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nats-io/nkeys"

	"natster/internal/private"
	"natster/workloads/nexlet/wire"
)

// saved is the content of the state file: what the nexlet needs to resume its work after a crash, because its node will
// not send it again.
type saved struct {
	Agent        string                     `json:"agent"`
	Node         string                     `json:"node"`
	Connection   wire.ConnectionData        `json:"connection"`   // to work with
	Registration wire.ConnectionData        `json:"registration"` // to register again with
	Workloads    map[string]json.RawMessage `json:"workloads"`    // deploy bodies, by id
}

// A store is a directory with one saved for each node (for each nexus, if the nexlet is remote), in files that only
// their owner can read.
type store struct{ dir string }

// openStore returns the store in dir, which it makes if there is none.
func openStore(dir string) (store, error) {
	if err := private.MkdirAll(dir); err != nil {
		return store{}, fmt.Errorf("state: %w", err)
	}
	return store{dir}, nil
}

func (s store) path(node string) string { return filepath.Join(s.dir, node+".json") }

// load returns what was saved for the node, or the zero value if nothing was.
func (s store) load(node string) (saved, error) {
	var v saved
	text, err := os.ReadFile(s.path(node))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return v, nil
	case err != nil:
		return v, fmt.Errorf("state: %w", err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return v, fmt.Errorf("state: %s is damaged: delete it", s.path(node))
	}
	return v, nil
}

// save replaces the file atomically: a crash leaves the old one or the new one.
func (s store) save(node string, v saved) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	if err := private.WriteFile(s.path(node), text); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return nil
}

// curve returns the nexlet's curve key, and makes it the first time: environments that were sealed to it can be opened
// after any restart.
func (s store) curve() (nkeys.KeyPair, error) {
	key, err := private.CurveKey(filepath.Join(s.dir, "curve.seed"))
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	return key, nil
}
