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

// What can be wrong with what the world keeps.
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
	leastKey       = 32 // bytes of a key; ours have 52
)

// storageKey is the key that JetStream encrypts with, made once: never where there is something that another key
// encrypted.
func storageKey(dir string) (string, error) {
	path := filepath.Join(dir, storageKeyName)
	key, err := os.ReadFile(path)
	if err == nil && len(key) >= leastKey {
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
	fresh := rand.Text() + rand.Text() // 256 bits and a little
	if err := private.WriteFile(path, []byte(fresh)); err != nil {
		return "", fmt.Errorf("world: the key to the encrypted data: %w", err)
	}
	return fresh, nil
}

// rebuildable are the streams whose content comes back from elsewhere: the log, heartbeats.
func rebuildable() []string {
	var names []string
	for _, b := range append(view.Projections(), view.Presence, view.Online) {
		names = append(names, b.Stream())
	}
	return names
}

// kept are the streams whose content comes back from nowhere, with a word for each.
func kept() map[string]string {
	return map[string]string{
		events.LogStream:       "the event log",
		functions.PoisonStream: "what no function could handle",
		view.Codes.Stream():    "the one-time codes",
		view.Contexts.Stream(): "the contexts that web logins are bound to",
	}
}

// repairStore looks at what JetStream keeps before the server opens it, since the server panics at some of what a power
// cut leaves and deletes other. What can be made again is set aside and will be; of what cannot, no message is ever
// touched, and if one cannot be read the error says which.
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
	precious := kept()
	for _, e := range streams { // all of them before anything is touched
		if what := precious[e.Name()]; what != "" {
			if err := s.checkBlocks(e.Name()); err != nil {
				return fmt.Errorf("%s: %w (%w)", what, ErrDamaged, err)
			}
		}
	}
	for _, e := range streams {
		stream := e.Name()
		what, again := precious[stream], slices.Contains(rebuildable(), stream)
		if what == "" && !again {
			continue // nothing of ours
		}
		broken := s.checkStream(stream)
		switch {
		case again && broken == nil:
			broken = s.checkBlocks(stream)
			fallthrough
		case again:
			if broken != nil {
				happened := fmt.Sprintf("bucket %s could not be read, and is made anew", bucketOf(stream))
				if err := c.setAside(s, happened, broken, stream); err != nil {
					return err
				}
				continue
			}
		case broken != nil: // what the stream is can be made again, its messages are where they were
			happened := "the configuration of " + what + " could not be read, and is written anew; its content is untouched"
			if err := c.setAside(s, happened, broken,
				filepath.Join(stream, server.JetStreamMetaFileKey), filepath.Join(stream, server.JetStreamMetaFile),
				filepath.Join(stream, server.JetStreamMetaFileSum), filepath.Join(stream, messagesDir, stateFile)); err != nil {
				return err
			}
		}
		if err := c.repairConsumers(s, stream); err != nil {
			return err
		}
	}
	return nil
}

// repairConsumers sets aside the consumers of the stream that cannot be read. They are made again and begin anew, which
// is what all functions are made for.
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

func bucketOf(stream string) string { return strings.TrimPrefix(stream, "KV_") }

// syncStore syncs what the server leaves unsynced of what provisioning made, and panics without: the files of streams
// of asynchronous persistence, and the names of all. Messages it syncs as their stream wants it.
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

// asideDir is the directory in a world's that damaged parts of the store are moved to.
const asideDir = "aside"

// setAside moves files or directories of the store, those that are there, out of the server's way, and says so.
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
