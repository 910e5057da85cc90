package embedded

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/minio/highwayhash"
	"github.com/nats-io/nats-server/v2/server"
)

// A sealedStore opens what JetStream keeps encrypted for one account, as nats-server 2.15 writes it: each stream,
// consumer and block of messages has a random key, sealed with one that is derived from the world's and from what it is
// for.
type sealedStore struct {
	dir     string // with a directory per stream
	key     string
	account string
}

const (
	nonceSize = aes.BlockSize
	keySize   = nonceSize + 32 + 16 // a nonce, a key, a tag

	blockSuffix = ".blk"
	stateFile   = "index.db" // of a stream's messages, made again from the blocks when it is missing
	messagesDir = "msgs"
	consumerDir = "obs"
)

// What can be wrong with a file of the store.
var (
	errSealedShort = errors.New("too short")
	errSealedKey   = errors.New("the key does not open it")
	errSealedSum   = errors.New("the checksum is another's")
)

// keyOf opens the key in the file at path; context names what it is for.
func (s sealedStore) keyOf(path, context string) (cipher.AEAD, error) {
	sealed, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(sealed) < keySize {
		return nil, &fs.PathError{Op: "open key", Path: path, Err: errSealedShort}
	}
	mac := hmac.New(sha256.New, []byte(s.key))
	mac.Write([]byte(s.account))
	mac.Write([]byte(context))
	outer, err := gcm(mac.Sum(nil))
	if err != nil {
		return nil, err
	}
	seed, err := outer.Open(nil, sealed[:nonceSize], sealed[nonceSize:], nil)
	if err != nil {
		return nil, &fs.PathError{Op: "open key", Path: path, Err: errSealedKey}
	}
	return gcm(seed)
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithNonceSize(block, nonceSize)
}

// checkFile returns the file at path, still sealed, or an error unless key opens it.
func checkFile(key cipher.AEAD, path string) (sealed []byte, err error) {
	sealed, err = os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(sealed) < nonceSize {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errSealedShort}
	}
	if _, err := key.Open(nil, sealed[:nonceSize], sealed[nonceSize:], nil); err != nil {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errSealedKey}
	}
	return sealed, nil
}

// checkMeta returns an error unless the server can read what the stream or consumer in dir is: its key, which it
// returns, its configuration and the checksum of that, which is keyed with name.
func (s sealedStore) checkMeta(dir, context, name string) (cipher.AEAD, error) {
	key, err := s.keyOf(filepath.Join(dir, server.JetStreamMetaFileKey), context)
	if err != nil {
		return nil, err
	}
	meta, err := checkFile(key, filepath.Join(dir, server.JetStreamMetaFile))
	if err != nil {
		return nil, err
	}
	sumFile := filepath.Join(dir, server.JetStreamMetaFileSum)
	sum, err := os.ReadFile(sumFile)
	if err != nil {
		return nil, err
	}
	sumKey := sha256.Sum256([]byte(name))
	want, err := highwayhash.New64(sumKey[:])
	if err != nil {
		return nil, err
	}
	_, _ = want.Write(meta) // never fails, as hash.Hash promises
	if hex.EncodeToString(want.Sum(nil)) != string(sum) {
		return nil, &fs.PathError{Op: "read", Path: sumFile, Err: errSealedSum}
	}
	return key, nil
}

// checkBlocks returns an error unless the key of each block of the stream with messages in it can be opened: the server
// deletes a block whose key cannot be opened.
func (s sealedStore) checkBlocks(stream string) error {
	dir := filepath.Join(s.dir, stream, messagesDir)
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the stream was never used
	}
	if err != nil {
		return err
	}
	for _, f := range files {
		index, isBlock := strings.CutSuffix(f.Name(), blockSuffix)
		if !isBlock {
			continue
		}
		if info, err := f.Info(); err != nil || info.Size() == 0 {
			continue // it has no messages; one that is gone by now was temporary
		}
		if _, err := s.keyOf(filepath.Join(dir, index+".key"), stream+":"+index); err != nil {
			return err
		}
	}
	return nil
}

// checkConsumer returns an error unless the server can read a consumer of the stream: what it is, and its position.
func (s sealedStore) checkConsumer(stream, consumer string) error {
	dir := filepath.Join(s.dir, stream, consumerDir, consumer)
	key, err := s.checkMeta(dir, stream+"."+consumer, stream+"/"+consumer)
	if err != nil {
		return err
	}
	if _, err := checkFile(key, filepath.Join(dir, "o.dat")); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// fits reports whether the store was written with the world's key: false when there are sealed keys and it opens none
// of them.
func (s sealedStore) fits() (bool, error) {
	opened, refused := false, false
	err := filepath.WalkDir(s.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != ".key" {
			return err
		}
		below, err := filepath.Rel(s.dir, path)
		if err != nil {
			return err
		}
		context, part := "", strings.Split(below, string(filepath.Separator))
		switch {
		case len(part) == 2:
			context = part[0]
		case len(part) == 3 && part[1] == messagesDir:
			context = part[0] + ":" + strings.TrimSuffix(part[2], ".key")
		case len(part) == 4 && part[1] == consumerDir:
			context = part[0] + "." + part[2]
		}
		switch _, err := s.keyOf(path, context); {
		case err == nil:
			opened = true
			return fs.SkipAll
		case errors.Is(err, errSealedKey):
			refused = true
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return false, fmt.Errorf("world: look at the encrypted data: %w", err)
	}
	return opened || !refused, nil
}
