package world_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"natster/deploy/world"
	"natster/functions"
)

func TestAWorldKeepsItsLimits(t *testing.T) {
	dir := t.TempDir()
	if l, err := world.ReadLimits(dir); err != nil || l != (functions.Limits{}) {
		t.Fatalf("before any is set: %+v, %v", l, err)
	}
	want := functions.Limits{Handlers: 3}
	if err := world.WriteLimits(dir, want); err != nil {
		t.Fatal(err)
	}
	if l, err := world.ReadLimits(dir); err != nil || l != want {
		t.Fatalf("%+v, %v", l, err)
	}
	if err := world.WriteLimits(dir, functions.Limits{Handlers: -3}); !errors.Is(err, functions.ErrLimit) {
		t.Fatalf("a limit that cannot be: %v", err)
	}
	for _, f := range world.Functions(world.Settings{Limits: want}) {
		if f.Limits != want {
			t.Errorf("%s runs with %+v", f.Name, f.Limits)
		}
	}
	for _, text := range []string{`{"friends":3}`, `{"handlers":-1}`, `{"handlers":"few"}`, `{`,
		`{"shares":5} {"shares":6}`, `{"shares":5}}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, "limits.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if l, err := world.ReadLimits(dir); err == nil || l != (functions.Limits{}) {
			t.Errorf("%s: %+v, %v", text, l, err)
		}
	}
}
