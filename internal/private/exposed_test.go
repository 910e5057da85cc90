package private

import (
	"io/fs"
	"testing"
)

func TestWhatOthersHaveRightsToIsExposedWhereModesSayAnything(t *testing.T) {
	for _, row := range []struct {
		system string
		mode   fs.FileMode
		want   bool
	}{
		{"linux", 0o600, false}, {"linux", 0o400, false}, {"linux", fs.ModeDir | 0o700, false},
		{"linux", 0o640, true}, {"linux", 0o604, true}, {"darwin", 0o620, true}, {"linux", fs.ModeDir | 0o711, true},
		{"windows", 0o666, false}, {"windows", fs.ModeDir | 0o777, false},
	} {
		if got := exposed(row.system, row.mode); got != row.want {
			t.Errorf("%s on %s: %v", row.mode, row.system, got)
		}
	}
}
