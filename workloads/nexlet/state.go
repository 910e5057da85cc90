package nexlet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"natster/internal/private"
	"natster/workloads/nexlet/wire"
)

// A registration is a place at a node, with the workloads there. The state file contains it: what the nexlet needs to
// resume its work after a crash, because its node will not send it again.
type registration struct {
	Agent        string                     `json:"agent"`
	Node         string                     `json:"node"`
	Connection   wire.ConnectionData        `json:"connection"`   // to work with
	Registration wire.ConnectionData        `json:"registration"` // to register again with
	Workloads    map[string]json.RawMessage `json:"workloads"`    // deploy bodies, by id; to resume
}

// A stateFile is the path of a state file, which only its owner can read.
type stateFile string

// load returns what was saved, or the zero value if nothing was or it is damaged.
func (f stateFile) load() (r registration, err error) {
	text, err := os.ReadFile(string(f))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r, nil
	case err != nil:
		return r, fmt.Errorf("state: %w", err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return registration{}, fmt.Errorf("state: %s is damaged: delete it", f)
	}
	return r, nil
}

// save replaces the file atomically: a crash leaves the old one or the new one.
func (f stateFile) save(r registration) error {
	text, err := json.Marshal(r)
	if err == nil {
		err = private.WriteFile(string(f), text)
	}
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return nil
}
