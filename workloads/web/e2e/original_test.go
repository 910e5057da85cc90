//go:build browser

package e2e

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/workloads/catalog"
	"natster/workloads/catalog/seal"
)

// serveOriginal shares and serves a catalog of alice's as an original server does: paths with a leading slash, no
// sessions, all of a file pushed in small chunks, and mp4 encoded anew.
func (s *stage) serveOriginal() error {
	name, err := events.ParseCatalog("vintage")
	if err != nil {
		return err
	}
	type file struct {
		Path        string `json:"path"`
		Description string `json:"description"`
		Type        string `json:"mime_type"`
		Size        int    `json:"byte_size"`
		Hash        string `json:"hash"`
		content     []byte
	}
	var files []file
	add := func(path, mime string, content []byte) {
		files = append(
			files,
			file{
				path,
				"Auto-imported library entry",
				mime,
				len(content),
				fmt.Sprintf("%x", sha256.Sum256(content)),
				content,
			},
		)
	}
	add("/letter.txt", "text/plain; charset=utf-8", []byte(strings.Repeat("Dear friend, this came whole.\n", 1000)))
	add("/music/tone.ogg", "audio/ogg", s.files.read("music/01 rise.ogg"))
	add("/film.mp4", "video/mp4", s.files.read("clips/broken.mp4"))
	add("/.DS_Store", "application/octet-stream", []byte("x"))

	answer := func(m *nats.Msg, data any) {
		b, _ := json.Marshal(map[string]any{"code": 200, "data": data})
		_ = m.Respond(b)
	}
	nc := s.alice.Conn(s.t)
	sub, err := nc.Subscribe("*.natster.catalog.vintage.>", func(m *nats.Msg) {
		caller, err := events.ParseAccount(strings.Split(m.Subject, ".")[0])
		if err != nil {
			return
		}
		if strings.HasSuffix(m.Subject, ".get") {
			answer(m, map[string]any{"name": name, "description": "as it was", "image": "", "entries": files})
			return
		}
		var q struct {
			Hash   string `json:"hash"`
			Target string `json:"target_xkey"`
		}
		_ = json.Unmarshal(m.Data, &q)
		for _, f := range files {
			if f.Hash != q.Hash {
				continue
			}
			key, err := seal.NewKey()
			if err != nil {
				return
			}
			chunks := (len(f.content) + seal.Chunk1 - 1) / seal.Chunk1
			answer(
				m,
				map[string]any{
					"acknowledged": true,
					"chunk_size":   seal.Chunk1,
					"total_chunks": chunks,
					"sender_xkey":  key.Public(),
					"total_bytes":  len(f.content),
				},
			)
			for i := range chunks {
				sealed, err := seal.Seal1(
					f.content[i*seal.Chunk1:min(len(f.content), (i+1)*seal.Chunk1)],
					key,
					q.Target,
				)
				if err != nil {
					return
				}
				c := nats.NewMsg(caller.String() + ".natster.media.vintage." + f.Hash)
				c.Header.Set(catalog.HeaderChunk, fmt.Sprint(i))
				c.Header.Set(catalog.HeaderTotal, fmt.Sprint(chunks))
				c.Header.Set(catalog.HeaderSender, key.Public())
				if f.Type == "video/mp4" {
					c.Header.Set(catalog.HeaderTranscoding, "true")
				}
				c.Data = sealed
				_ = nc.PublishMsg(c)
			}
		}
	})
	if err != nil {
		return err
	}
	s.t.Cleanup(func() { _ = sub.Unsubscribe() })
	s.share(name)
	return nc.Flush()
}
