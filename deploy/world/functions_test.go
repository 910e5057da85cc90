package world_test

import (
	"os"
	"testing"

	"natster/deploy/world"
	"natster/functions"
)

// Whoever only wants to know what functions there are has no keys, and makes none.
func TestListingFunctionsMakesNothing(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, s := range map[string]world.Settings{
		"of no world": {}, "of a world that is not there": {Keys: dir, World: dir},
	} {
		all := world.Functions(s)
		if len(all) < 13 {
			t.Errorf("%s: %d functions", name, len(all))
		}
		for _, f := range all {
			if err := f.Check(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if p := f.Permissions(); len(p.Subscribe) == 0 {
				t.Errorf("%s: %s may do nothing", name, f.Name)
			}
		}
	}
	// Nor does a function that starts where its key is not.
	keyless := 0
	for _, f := range world.Functions(world.Settings{Keys: dir}) {
		switch f.Name {
		case "queries", "otc", "websessions":
			keyless++
			if i, err := f.New(t.Context(), functions.Host{}); err == nil {
				t.Errorf("%s starts without its key: %v", f.Name, i)
			}
		}
	}
	if keyless != 3 {
		t.Errorf("%d functions need a key", keyless)
	}
	if made, err := os.ReadDir(dir); err != nil || len(made) != 0 {
		t.Errorf("there is %v, %v", made, err)
	}
}
