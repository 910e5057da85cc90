package seal

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write the vectors anew")

type vectors struct {
	Comment    string   `json:"comment"`
	TargetSeed string   `json:"target_seed"`
	SenderSeed string   `json:"sender_seed"`
	Target     string   `json:"target_xkey"`
	Sender     string   `json:"sender_xkey"`
	Session    string   `json:"session"`
	Catalog    string   `json:"catalog"`
	Owner      string   `json:"owner"`
	Receiver   string   `json:"receiver"`
	ContentKey string   `json:"content_key_hex"`
	Hash       string   `json:"hash"`
	Size       int64    `json:"size"`
	ChunkSize  int      `json:"chunk_size"`
	File       string   `json:"file_base64"`
	Header     string   `json:"header_base64"`
	Frames     []string `json:"frames_base64"`
	Protocol1  string   `json:"protocol1_chunk_base64"`
}

// The vectors are what another language implements protocol 2 by: all inputs are fixed, the box nonce is 24 bytes of
// 0x24, and the random bytes of the counters are 0.
func TestVectors(t *testing.T) {
	file := content(2*chunk + 100)
	h, sender, target := fixture(t, file, 'A')
	nonce := func() *bytes.Reader { return bytes.NewReader(bytes.Repeat([]byte{0x24}, 24)) }
	sealed, err := h.Seal(sender, nonce())
	if err != nil {
		t.Fatal(err)
	}
	s, _ := pipe(t, h)
	s.random = func() uint32 { return 0 }
	b64 := base64.StdEncoding.EncodeToString
	got := vectors{
		Comment:    "frames: chunks 0, 1, 2, then 0 again, then an end; the header's box nonce is 24 bytes of 0x24",
		TargetSeed: seedOf(t, target), SenderSeed: seedOf(t, sender), Target: target.Public(), Sender: sender.Public(),
		Session: h.Session, Catalog: h.Catalog.String(), Owner: h.Owner.String(), Receiver: h.Receiver.String(),
		ContentKey: hex.EncodeToString(h.Key[:]), Hash: h.Hash.String(), Size: h.Layout.Size,
		ChunkSize: h.Layout.ChunkSize,
		File:      b64(file), Header: b64(sealed),
	}
	for _, i := range []int64{0, 1, 2, 0} {
		got.Frames = append(got.Frames, b64(sealChunk(t, s, file, i)))
	}
	end, err := s.SealEnd(End{410, "the file changed"})
	if err != nil {
		t.Fatal(err)
	}
	got.Frames = append(got.Frames, b64(end))
	one, err := sender.pair.SealWithRand(file[:100], target.Public(), nonce())
	if err != nil {
		t.Fatal(err)
	}
	got.Protocol1 = b64(one)
	text, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const path = "testdata/protocol2.json"
	if *update {
		if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(text)+"\n" {
		t.Fatal("the wire of protocol 2 changed; if that is meant, it is another version")
	}
}

func seedOf(t *testing.T, k *Key) string {
	seed, err := k.pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	return string(seed)
}
