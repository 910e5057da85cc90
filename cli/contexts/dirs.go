package contexts

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"

	"natster/cli/term"
	"natster/internal/private"
)

// Dirs are the directories in which natster keeps what belongs to its user, as the environment has them.
type Dirs struct {
	Getenv func(name string) string // XDG_CONFIG_HOME, NATSTER_WORLD, NATS_CONTEXT and others
}

// Config returns where contexts and contacts are kept: $XDG_CONFIG_HOME/natster, or ~/.config/natster.
func (d Dirs) Config() (string, error) { return d.userDir("XDG_CONFIG_HOME", ".config") }

// Data returns where catalog files and the world are kept: $XDG_DATA_HOME/natster, or ~/.local/share/natster.
func (d Dirs) Data() (string, error) { return d.userDir("XDG_DATA_HOME", ".local/share") }

// Cache returns where things are kept that can be made again: $XDG_CACHE_HOME/natster, or ~/.cache/natster.
func (d Dirs) Cache() (string, error) { return d.userDir("XDG_CACHE_HOME", ".cache") }

func (d Dirs) userDir(variable, below string) (string, error) {
	if dir := d.Getenv(variable); filepath.IsAbs(dir) { // the XDG specification says to ignore other paths
		return filepath.Join(dir, "natster"), nil
	}
	home := d.Getenv("HOME")
	if home == "" {
		return "", fmt.Errorf("no directory to keep things in: neither %s nor HOME is set", variable)
	}
	return filepath.Join(home, below, "natster"), nil
}

// WorldName is the name of the local world's directory, beside the directories of the contexts: a context cannot have
// it.
const WorldName = "world"

// World returns the directory of the local world: what a flag says, or NATSTER_WORLD, or the usual one.
func (d Dirs) World(flag string) (string, error) {
	dir, err := d.Path(cmp.Or(flag, d.Getenv("NATSTER_WORLD")))
	switch {
	case err != nil:
		return "", fmt.Errorf("NATSTER_WORLD: %w", err)
	case dir != "":
		return filepath.Abs(dir)
	}
	data, err := d.Data()
	return filepath.Join(data, WorldName), err
}

// Own returns the directories of natster's own: what is in them is private.
func (d Dirs) Own() ([]string, error) {
	config, err := d.Config()
	if err != nil {
		return nil, err
	}
	data, err := d.Data()
	if err != nil {
		return nil, err
	}
	world, err := d.World("")
	return []string{config, data, world}, err
}

// WritePrivate replaces a file at once, so that only its owner can read it, and makes its directory if need be.
func WritePrivate(path string, text []byte) error {
	if err := private.Mkdir(filepath.Dir(path)); err != nil {
		return err
	}
	return private.WriteFile(path, text)
}

// Path replaces ~ at the beginning of a path by the home directory: a shell does not if the path follows a =, or is
// quoted.
func (d Dirs) Path(p string) (string, error) {
	if p == "" || p[0] != '~' {
		return p, nil
	}
	user, below, _ := strings.Cut(filepath.ToSlash(p[1:]), "/")
	if user != "" {
		const text = "%s means a user's home, which is not looked up: write the whole path (%s if it is called so)"
		return "", fmt.Errorf(text, term.Quoted("~"+user), term.Quoted("./"+p))
	}
	home := d.Getenv("HOME")
	if home == "" {
		return "", fmt.Errorf("%s is in your home directory, but HOME is not set", term.Quoted(p))
	}
	return filepath.Join(home, filepath.FromSlash(below)), nil
}
