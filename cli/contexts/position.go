package contexts

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

// positionLifetime is how long a remembered position counts. No projection is that late, and a world that was restored
// from a backup, which never reaches the position, can be used again after that time.
const positionLifetime = time.Minute

// positionFile returns the file with the highest position of a world's event log that any natster of this user has
// seen: a query reflects what the command before it did, for whichever account.
func (s *Store) positionFile(me Context) (string, error) {
	data, err := s.dirs.Data()
	world := sha256.Sum256([]byte(me.World + "\x00" + me.URL))
	return filepath.Join(data, "positions", hex.EncodeToString(world[:8])), err
}

// Recall returns the position of the log that an answer has to reflect, or 0.
func (s *Store) Recall(me Context) (uint64, error) {
	path, err := s.positionFile(me)
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, nil
	case err != nil:
		return 0, err
	case time.Since(info.ModTime()) > positionLifetime:
		return 0, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	p, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0, nil // half written: without it answers may only be less fresh
	}
	return p, nil
}

// Remember keeps position for later commands.
func (s *Store) Remember(me Context, position uint64) error {
	path, err := s.positionFile(me)
	if err != nil {
		return err
	}
	if err := private.Mkdir(filepath.Dir(path)); err != nil {
		return err
	}
	return os.WriteFile(path, strconv.AppendUint(nil, position, 10), private.FileMode)
}
