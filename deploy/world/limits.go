package world

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"natster/functions"
)

// limitsFile is the name of the file in a world's directory that has the limits which are not the defaults.
const limitsFile = "limits.json"

// ReadLimits reads the limits that the world in dir sets: those of [WriteLimits]. There may be none. A limit that this
// version does not know, or that cannot be so, is an error: the operator means something by it.
func ReadLimits(dir string) (l functions.Limits, err error) {
	path := filepath.Join(dir, limitsFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err = d.Decode(&l); err == nil {
			err = l.Check()
		}
		if _, more := d.Token(); err == nil && !errors.Is(more, io.EOF) {
			err = errors.New("there is more than one object in it")
		}
	}
	if err != nil {
		return functions.Limits{}, fmt.Errorf("world: %s: %w", path, err)
	}
	return l, nil
}

// WriteLimits keeps what the world in dir sets, for its next start, and for what [Export] writes from then on.
func WriteLimits(dir string, l functions.Limits) error {
	if err := l.Check(); err != nil {
		return err
	}
	return writeJSON(filepath.Join(dir, limitsFile), l)
}
