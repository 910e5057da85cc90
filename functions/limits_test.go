package functions_test

import (
	"encoding/json"
	"errors"
	"testing"

	"natster/functions"
)

func TestLimitsAreSetByTheNamesThatTheyAreListedAndKeptBy(t *testing.T) {
	for _, row := range functions.DefaultLimits().All() {
		if row.Value != row.Default || row.Value == 0 || row.Doc == "" {
			t.Errorf("default: %+v", row)
		}
		set, err := functions.Limits{}.Set(row.Name, row.Default-1)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(set)
		if err != nil {
			t.Fatal(err)
		}
		var kept map[string]int64
		if err := json.Unmarshal(text, &kept); err != nil || len(kept) != 1 || kept[row.Name] != row.Default-1 {
			t.Errorf("%s is kept as %s (%v)", row.Name, text, err)
		}
		for _, now := range set.All() {
			if want := now.Default; now.Name != row.Name && now.Value != want {
				t.Errorf("with another %s, %s is %d", row.Name, now.Name, now.Value)
			}
		}
		if again, err := set.Set(row.Name, 0); err != nil || again != (functions.Limits{}) {
			t.Errorf("%s taken back: %+v, %v", row.Name, again, err)
		}
		if _, err := set.Set(row.Name, -1); !errors.Is(err, functions.ErrLimit) {
			t.Errorf("%s of -1: %v", row.Name, err)
		}
	}
	if _, err := (functions.Limits{}).Set("friends", 3); !errors.Is(err, functions.ErrLimit) {
		t.Errorf("what is no limit: %v", err)
	}
}
