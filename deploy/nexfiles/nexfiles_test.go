package nexfiles_test

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"natster/deploy/nex"
	"natster/deploy/nexfiles"
	"natster/workloads/nexlet/wire"
)

var update = flag.Bool("update", false, "write the files")

func TestTheFilesAreUpToDate(t *testing.T) {
	files, err := nexfiles.Files()
	if err != nil {
		t.Fatal(err)
	}
	there, err := filepath.Glob("*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range there {
		if files[name] == nil && *update {
			if err := os.Remove(name); err != nil {
				t.Error(err)
			}
		} else if files[name] == nil {
			t.Errorf("%s belongs to nothing: go test ./deploy/nexfiles -update", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if *update {
			if err := os.WriteFile(name, files[name], 0o644); err != nil {
				t.Fatal(err)
			}
		}
		text, err := os.ReadFile(name)
		if err != nil || string(text) != string(files[name]) {
			t.Errorf("%s is not what the declarations say: go test ./deploy/nexfiles -update (%v)", name, err)
			continue
		}
		if _, err := nex.ReadNexfile(name); err != nil {
			t.Error(err)
		}
	}
}

// TestTheNodesConfiguration holds nex.json to what Nex was seen to take: flat keys with underscores, values of the
// right type, no secrets. Nex itself ignores what it does not know, and reports nothing.
func TestTheNodesConfiguration(t *testing.T) {
	text, err := os.ReadFile("../../nex.json")
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		NATS struct {
			Servers []string `json:"servers"`
		} `json:"nats"`
		Logger struct {
			Level string `json:"level"`
		} `json:"logger"`
		NodeName string    `json:"node_name"`
		Nexus    string    `json:"nexus"`
		Tags     wire.Tags `json:"tags"`
		NoNative bool      `json:"disable_native_start"`
		Restarts int       `json:"agent_restart_limit"`
		TTL      string    `json:"auction_ttl"`
		State    string    `json:"state"`
		Events   string    `json:"events"`
		Agents   []struct {
			URI  string            `json:"uri"`
			Argv []string          `json:"argv"`
			Env  map[string]string `json:"env"`
		} `json:"agents"`
	}
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	var keys map[string]any
	if err := json.Unmarshal(text, &keys); err != nil {
		t.Fatal(err)
	}
	known := []string{
		"nats", "logger", "node_name", "nexus", "tags", "disable_native_start", "agent_restart_limit", "auction_ttl",
		"state", "events", "agents",
	}
	for k := range keys {
		if !slices.Contains(known, k) {
			t.Errorf("key %q: Nex would ignore it silently", k)
		}
	}
	if len(c.Agents) != 1 || c.Agents[0].URI != "./bin/natster" || !slices.Equal(c.Agents[0].Argv, []string{"nexlet"}) {
		t.Errorf("agents: %+v", c.Agents)
	}
	if !c.NoNative || c.Restarts < 100 || c.State != "kv" || c.Events != "nats" || len(c.NATS.Servers) == 0 {
		t.Errorf("%+v", c)
	}
}
