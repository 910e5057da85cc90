package wire

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Decode reads a message as Nex does: every required key has to be there, though it may be null; keys that nobody knows are
// passed over; a value that is none of its enumeration is refused.
func Decode[T any](data []byte) (T, error) {
	var v T
	if err := Required(data, reflect.TypeFor[T]()); err != nil {
		return v, err
	}
	err := json.Unmarshal(data, &v)
	return v, err
}

// Required tells which required key of t the document lacks; of several the first in alphabetical order. The document null
// passes, and so does whatever is no object: the decoder says more about it.
func Required(data []byte, t reflect.Type) error {
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(data, &doc); err != nil || doc == nil || t.Kind() != reflect.Struct {
		return nil
	}
	keys := requiredKeys(t)
	slices.Sort(keys)
	for _, k := range keys {
		if _, has := doc[k]; !has {
			return fmt.Errorf("field %s in %s: required", k, t.Name())
		}
	}
	return nil
}

func requiredKeys(t reflect.Type) (keys []string) {
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" && options == "" {
			keys = append(keys, name)
		}
	}
	return keys
}

// DecodeList reads a list of workloads. One that breaks a rule spoils the list, as it does for Nex.
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
