package nex

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/goccy/go-yaml"

	"natster/functions"
	"natster/workloads/nexlet/spec"
	"natster/workloads/nexlet/wire"
)

// A Want is a workload that should run, and how many instances of it.
type Want struct {
	Name        string
	Description string
	Start       spec.Start
	Tags        wire.Tags // of the nodes that it may run on
	Replicas    int       // 1 if 0
}

// Wants returns one want for each function.
func Wants(fns []functions.Function) []Want {
	all := make([]Want, len(fns))
	for i, f := range fns {
		all[i] = Want{Name: f.Name, Description: f.Doc, Start: spec.Start{Function: f.Name}}
	}
	return all
}

// nexfile is a Nexfile: one workload, for the stock CLI. It is read as JSON and written as YAML.
type nexfile struct {
	Name        string          `yaml:"name" json:"name"`
	Description string          `yaml:"description,omitempty" json:"description"`
	Type        string          `yaml:"type" json:"type"`
	Lifecycle   wire.Lifecycle  `yaml:"lifecycle" json:"lifecycle"`
	Tags        wire.Tags       `yaml:"tags,omitempty" json:"tags"`
	Start       json.RawMessage `yaml:"-" json:"start_request"` // written by hand
}

// ReadNexfile reads a Nexfile, YAML or JSON.
func ReadNexfile(path string) (Want, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Want{}, fmt.Errorf("nexfile: %w", err)
	}
	w, err := parseNexfile(text)
	if err != nil {
		return Want{}, fmt.Errorf("nexfile %s: %w", path, err)
	}
	return w, nil
}

func parseNexfile(text []byte) (Want, error) {
	asJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		return Want{}, fmt.Errorf("it is not YAML: %w", err)
	}
	var f nexfile
	if err := json.Unmarshal(asJSON, &f); err != nil {
		return Want{}, err
	}
	start, err := spec.Parse(string(f.Start))
	switch {
	case err != nil:
		return Want{}, err
	case f.Type != spec.Type:
		return Want{}, fmt.Errorf("its type is %q, not %q", f.Type, spec.Type)
	case f.Lifecycle != start.Lifecycle():
		return Want{}, fmt.Errorf("its lifecycle is %q; %s has lifecycle %q",
			f.Lifecycle, start.Name(), start.Lifecycle())
	case f.Name == "":
		f.Name = start.Name()
	}
	return Want{Name: f.Name, Description: f.Description, Start: start, Tags: f.Tags}, nil
}

// Nexfile returns the want as a Nexfile, for `nex workload start -f`.
func (w Want) Nexfile() ([]byte, error) {
	start, err := yaml.JSONToYAML([]byte(w.Start.JSON()))
	if err != nil {
		return nil, fmt.Errorf("nexfile of %s: %w", w.Name, err)
	}
	head, err := yaml.Marshal(nexfile{
		Name: w.Name, Description: w.Description, Type: spec.Type, Lifecycle: w.Start.Lifecycle(), Tags: w.Tags,
	})
	if err != nil {
		return nil, fmt.Errorf("nexfile of %s: %w", w.Name, err)
	}
	var b bytes.Buffer
	b.Write(head)
	b.WriteString("start_request:\n")
	for line := range bytes.Lines(start) {
		b.WriteString("  ")
		b.Write(line)
	}
	return b.Bytes(), nil
}
