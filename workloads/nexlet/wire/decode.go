package wire

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Decode decodes a message as Nex does: every required key must be present, though it may be null; unknown keys are
// ignored; a value that is not in its enumeration is refused.
func Decode[T any](data []byte) (T, error) {
	var v T
	if err := required(data, reflect.TypeFor[T]()); err != nil {
		return v, err
	}
	err := json.Unmarshal(data, &v)
	return v, err
}

// required returns an error that names the required key of t that the document lacks; of several, the first in
// alphabetical order. Keys without "omitempty" are required. It accepts null and anything that is not an object: the
// decoder has the better error for that.
func required(data []byte, t reflect.Type) error {
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(data, &doc); err != nil || doc == nil || t.Kind() != reflect.Struct {
		return nil
	}
	var keys []string
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" && options == "" {
			keys = append(keys, name)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		if _, has := doc[k]; !has {
			return fmt.Errorf("field %s in %s: required", k, t.Name())
		}
	}
	return nil
}

// DecodeList decodes a list of workloads. It fails if one of them cannot be decoded, as Nex does.
func DecodeList(data []byte) ([]WorkloadSummary, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, err
	}
	all := make([]WorkloadSummary, len(raw))
	for i, r := range raw {
		var err error
		if all[i], err = Decode[WorkloadSummary](r); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// enum decodes a string and refuses it unless it is known, in Nex's words.
func enum(data []byte, to *string, known ...string) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	if !slices.Contains(known, s) {
		quoted := make([]string, len(known))
		for i, k := range known {
			quoted[i] = fmt.Sprintf("%q", k)
		}
		return fmt.Errorf("invalid value (expected one of []interface {}{%s}): %q", strings.Join(quoted, ", "), s)
	}
	*to = s
	return nil
}
