package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"natster/internal/private"
)

// positionGood is for how long a remembered position counts. No projection is that late; and a world that was set back to
// an older state, which never reaches the position, is usable again after it.
const positionGood = time.Minute

// positionFile keeps the highest position of a world's event log that any run of natster on this machine has seen, so that
// one command's query reflects what the command before it did, whichever account that was.
func (e *env) positionFile(me Context) (string, error) {
	data, err := e.dataDir()
	world := sha256.Sum256([]byte(me.World + "\x00" + me.URL))
	return filepath.Join(data, "positions", hex.EncodeToString(world[:8])), err
}

// recall is the position to ask for at least.
func (e *env) recall(me Context) (uint64, error) {
	path, err := e.positionFile(me)
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, nil
	case err != nil:
		return 0, err
	case time.Since(info.ModTime()) > positionGood:
		return 0, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	p, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0, nil // being written, or torn by a crash: it only makes answers fresher
	}
	return p, nil
}

// remember keeps position for the runs to come.
func (e *env) remember(me Context, position uint64) error {
	path, err := e.positionFile(me)
	if err != nil {
		return err
	}
	if err := private.Mkdir(filepath.Dir(path)); err != nil {
		return err
	}
	return os.WriteFile(path, strconv.AppendUint(nil, position, 10), private.FileMode)
}
