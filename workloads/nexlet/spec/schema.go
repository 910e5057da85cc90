package spec

import (
	"encoding/json"
	"fmt"

	"github.com/google/jsonschema-go/jsonschema"
)

// Schema returns the JSON Schema of a start request, for a nexlet that has these functions. It is generated from
// [Start]. With it a node refuses unknown fields, unknown functions, and neither or both of function and catalog,
// without asking the nexlet.
func Schema(functions []string) (string, error) {
	s, err := jsonschema.For[Start](nil)
	if err != nil {
		return "", fmt.Errorf("schema of the start request: %w", err)
	}
	s.Schema = "https://json-schema.org/draft/2020-12/schema"
	s.Title = "NatsterStart"
	s.Description = "a function or a catalog of Natster"
	// The generator allows null for a pointer; the decoder does not.
	for _, p := range s.Properties {
		if len(p.Types) > 0 {
			p.Type, p.Types = "object", nil
		}
	}
	names := make([]any, len(functions))
	for i, n := range functions {
		names[i] = n
	}
	s.Properties["function"].Enum = names
	s.OneOf = []*jsonschema.Schema{{Required: []string{"function"}}, {Required: []string{"catalog"}}}
	s.Properties["config"].Properties["log"].Enum = []any{"debug", "info", "warn", "error"}
	text, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("schema of the start request: %w", err)
	}
	return string(text), nil
}

// FunctionsIn returns the functions named in a schema that [Schema] made.
func FunctionsIn(schema string) ([]string, error) {
	var s struct {
		Properties struct {
			Function struct {
				Enum []string `json:"enum"`
			} `json:"function"`
		} `json:"properties"`
	}
	if err := json.Unmarshal([]byte(schema), &s); err != nil {
		return nil, fmt.Errorf("schema of the start request: %w", err)
	}
	return s.Properties.Function.Enum, nil
}
