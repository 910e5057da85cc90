package embedded

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"natster/events"
	"natster/functions"
	"natster/functions/view"
	"natster/internal/private"
)

// What can be wrong with the data of a world.
var (
	// ErrKeyLost means that there is an event log and no key to it.
	ErrKeyLost = errors.New("the key to the encrypted data is missing: restore jetstream.key from a backup")
	// ErrKeyWrong means that the key is not the one that the event log was written with.
	ErrKeyWrong = errors.New("not the key that the data beside it was written with: " +
		"restore jetstream.key from a backup; nothing was changed")
	// ErrDamaged means that something cannot be read that cannot be made again either.
	ErrDamaged = errors.New("damaged, and cannot be made again from anything else: " +
		"restore it from a backup; nothing was changed")
)

const (
	storageKeyName = "jetstream.key"
	minKey         = 32 // bytes of a key; ours have 52
)

// storageKey returns the key that JetStream encrypts with. It makes one only where nothing is encrypted yet.
func storageKey(dir string) (string, error) {
	path := filepath.Join(dir, storageKeyName)
	key, err := os.ReadFile(path)
	if err == nil && len(key) >= minKey {
		return string(key), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("world: the key to the encrypted data: %w", err)
	}
	kept, lookErr := os.ReadDir(filepath.Join(dir, server.JetStreamStoreDir))
	switch {
	case lookErr != nil && !errors.Is(lookErr, fs.ErrNotExist):
		return "", fmt.Errorf("world: the encrypted data: %w", lookErr)
	case len(kept) > 0 && err == nil:
		return "", fmt.Errorf("%s: too short to be a key: %w", path, ErrKeyWrong)
	case len(kept) > 0:
		return "", fmt.Errorf("%s: %w", dir, ErrKeyLost)
	}
	fresh := rand.Text() + rand.Text() // more than 256 bits
	if err := private.WriteFile(path, []byte(fresh)); err != nil {
		return "", fmt.Errorf("world: the key to the encrypted data: %w", err)
	}
	return fresh, nil
}

// rebuildable returns the streams whose content comes from elsewhere, the log or heartbeats, and comes again.
func rebuildable() []string {
	var names []string
	for _, b := range append(view.Projections(), view.Presence, view.Online) {
		names = append(names, b.Stream())
	}
	return names
}

// kept returns the streams whose content is nowhere else, each with what it is called in messages.
func kept() map[string]string {
	return map[string]string{
		events.LogStream:       "the event log",
		functions.PoisonStream: "what no function could handle",
		view.Codes.Stream():    "the one-time codes",
		view.Contexts.Stream(): "the contexts that web logins are bound to",
	}
}

// repairStore checks JetStream's files before the server opens them, because a power cut leaves files at which the
// server panics, and others that it deletes. It sets aside what can be made again. It never touches messages that
// cannot; if some cannot be read, the error says of which stream.
func (c Config) repairStore(key string, global events.Account) error {
	s := sealedStore{
		dir:     filepath.Join(c.Dir, server.JetStreamStoreDir, global.String(), "streams"),
		key:     key,
		account: global.String(),
	}
	fits, err := s.fits()
	if err != nil {
		return err
	}
	if !fits {
		return fmt.Errorf("%s: %w", filepath.Join(c.Dir, storageKeyName), ErrKeyWrong)
	}
	streams, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("world: look at the encrypted data: %w", err)
	}
	keep, again := kept(), rebuildable()
	for _, e := range streams { // all of them before anything is touched
		if what := keep[e.Name()]; what != "" {
			if err := s.checkBlocks(e.Name()); err != nil {
				return fmt.Errorf("%s: %w (%w)", what, ErrDamaged, err)
			}
		}
	}
	for _, e := range streams {
		stream, what := e.Name(), keep[e.Name()]
		if what == "" && !slices.Contains(again, stream) {
			continue // not ours
		}
		_, broken := s.checkMeta(filepath.Join(s.dir, stream), stream, stream)
		// What the stream is can be made again; its messages stay where they are.
		happened := "the configuration of " + what + " could not be read, and is written anew; its content is untouched"
		names := []string{
			filepath.Join(stream, server.JetStreamMetaFileKey), filepath.Join(stream, server.JetStreamMetaFile),
			filepath.Join(stream, server.JetStreamMetaFileSum), filepath.Join(stream, messagesDir, stateFile),
		}
		if what == "" {
			if broken == nil {
				broken = s.checkBlocks(stream)
			}
			happened = "bucket " + strings.TrimPrefix(stream, "KV_") + " could not be read, and is made anew"
			names = []string{stream}
		}
		if broken != nil {
			if err := c.setAside(s, happened, broken, names...); err != nil {
				return err
			}
		}
		if err := c.repairConsumers(s, stream); err != nil {
			return err
		}
	}
	return nil
}

// repairConsumers sets aside the consumers of the stream that cannot be read. They are made again and deliver
// everything again, which all functions can handle.
func (c Config) repairConsumers(s sealedStore, stream string) error {
	consumers, err := os.ReadDir(filepath.Join(s.dir, stream, consumerDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("world: look at the encrypted data: %w", err)
	}
	for _, e := range consumers {
		if broken := s.checkConsumer(stream, e.Name()); broken != nil {
			happened := fmt.Sprintf("how far function %s is could not be read: it begins anew", e.Name())
			if err := c.setAside(s, happened, broken, filepath.Join(stream, consumerDir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// syncStore syncs those files made by provisioning that the server does not sync, and without which it panics: the
// files of streams with asynchronous persistence, and the directories of all. The server syncs messages as each stream
// says.
func syncStore(dir string) error {
	var unsynced []string
	for _, b := range append(view.Projections(), view.Presence) {
		unsynced = append(unsynced, b.Stream())
	}
	return private.SyncTree(dir, func(path string) bool {
		below, err := filepath.Rel(dir, path)
		part := strings.Split(below, string(filepath.Separator)) // account, "streams", stream, and what is in it
		return err == nil && len(part) > 3 && (part[3] == messagesDir || !slices.Contains(unsynced, part[2]))
	})
}

// asideDir is the directory of a world to which damaged files of the store are moved.
const asideDir = "aside"

// setAside moves those of the files and directories of the store that exist to asideDir, and notifies the operator.
func (c Config) setAside(s sealedStore, happened string, why error, names ...string) error {
	to := filepath.Join(c.Dir, asideDir, time.Now().UTC().Format("20060102T150405.000Z"))
	for _, name := range names {
		target := filepath.Join(to, name)
		if err := private.MkdirAll(filepath.Dir(target)); err != nil {
			return fmt.Errorf("world: set aside %s: %w", name, err)
		}
		if err := os.Rename(filepath.Join(s.dir, name), target); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("world: set aside %s: %w", name, err)
		}
	}
	c.notify(happened+" ("+why.Error()+")", "nothing; once all is well: rm -r "+to)
	return nil
}
