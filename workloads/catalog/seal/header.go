package seal

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"natster/events"
)

// KeySize is the length of a content key in bytes (AES-256).
const KeySize = 32

// SessionLen is the length of a session's id: 26 characters A-Z and 2-7, 128 random bits.
const SessionLen = 26

// magic begins every header; its last byte is the protocol's version.
const magic = "natster\x02"

// maxHeader bounds what a receiver opens: the longest header is under 800 bytes.
const maxHeader = 2048

// Errors of a header that is refused. Those below [ErrBinding] match it too.
var (
	ErrHeader  = errors.New("the sealed header cannot be opened")
	ErrBinding = errors.New("the sealed header was made for something else")

	ErrSession   = errors.New("another session")
	ErrCatalog   = errors.New("another catalog")
	ErrHash      = errors.New("another file")
	ErrSize      = errors.New("another file size")
	ErrChunkSize = errors.New("another chunk size")
	ErrOwner     = errors.New("another owner")
	ErrReceiver  = errors.New("another receiver")
	ErrTarget    = errors.New("another target key")
	ErrSender    = errors.New("another sender key")
)

// A Binding is the only use that a session's content key has.
type Binding struct {
	Session  string // its id, see [NewSession]
	Catalog  events.Catalog
	Hash     events.Hash
	Layout   Layout
	Owner    events.Account // of the catalog: who sends
	Receiver events.Account // the owner itself when it reads its own catalog
	Target   string         // the receiver's public single-use xkey
	Sender   string         // the sender's public single-use xkey
}

// A Header is a content key and what it is bound to. The layout of its plaintext, integers big-endian:
//
//	0   8    "natster" 0x02
//	8   32   content key
//	40  32   SHA-256 of the file
//	72  8    size of the file
//	80  4    chunk size
//	84  1+n  session, catalog, owner, receiver, target, sender: a length byte, then text, each
//	    1+n  identity: who signs, a public nkey, or empty
//	    1+n  signature, 64 bytes, or empty
//
// The signature is Ed25519 over [Header.SignedBytes]. No program makes or checks one yet: the room is for identity keys
// that the receiver pins.
type Header struct {
	Key [KeySize]byte
	Binding
	Identity  string
	Signature []byte
}

// NewHeader returns a header with a fresh content key.
func NewHeader(b Binding) *Header {
	h := &Header{Binding: b}
	_, _ = rand.Read(h.Key[:]) // never fails, as crypto/rand promises
	return h
}

// NewSession returns a fresh session id: one token of a subject, which cannot be guessed.
func NewSession() string { return rand.Text() }

// CheckSession returns [ErrSession] unless s has the form of a session id.
func CheckSession(s string) error {
	if len(s) != SessionLen {
		return ErrSession
	}
	for _, c := range []byte(s) {
		if (c < 'A' || c > 'Z') && (c < '2' || c > '7') {
			return ErrSession
		}
	}
	return nil
}

// SignedBytes returns what an identity signs: a context string and the header's bytes up to and including the identity.
func (h *Header) SignedBytes() []byte {
	return append([]byte("natster media 2 header\x00"), h.appendUnsigned(nil)...)
}

func (h *Header) appendUnsigned(b []byte) []byte {
	b = append(b, magic...)
	b = append(b, h.Key[:]...)
	b = append(b, h.Hash[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(h.Layout.Size))
	b = binary.BigEndian.AppendUint32(b, uint32(h.Layout.ChunkSize))
	for _, s := range []string{h.Session, h.Catalog.String(), h.Owner.String(), h.Receiver.String(), h.Target, h.Sender,
		h.Identity} {
		b = append(b, byte(len(s)))
		b = append(b, s...)
	}
	return b
}

// Seal seals the header to h.Target from sender's key, which must be h.Sender. A nil random is crypto/rand.
func (h *Header) Seal(sender *Key, random io.Reader) ([]byte, error) {
	if err := h.check(sender); err != nil {
		return nil, err
	}
	if random == nil {
		random = rand.Reader
	}
	plain := h.appendUnsigned(nil)
	plain = append(plain, byte(len(h.Signature)))
	plain = append(plain, h.Signature...)
	sealed, err := sender.pair.SealWithRand(plain, h.Target, random)
	if err != nil {
		return nil, fmt.Errorf("seal the header: %w", err)
	}
	return sealed, nil
}

// check returns an error for a header that must not be sealed.
func (h *Header) check(sender *Key) error {
	switch {
	case h.Sender != sender.Public():
		return ErrSender
	case h.Catalog.IsZero():
		return ErrCatalog
	case h.Owner.IsZero():
		return ErrOwner
	case h.Receiver.IsZero():
		return ErrReceiver
	case len(h.Identity) > 255 || len(h.Signature) > 255:
		return fmt.Errorf("%w: the signature is too long", ErrHeader)
	}
	if err := CheckPublic(h.Target); err != nil {
		return fmt.Errorf("target: %w", err)
	}
	if err := CheckSession(h.Session); err != nil {
		return err
	}
	return h.Layout.Check()
}

// OpenHeader opens a header sealed to target and checks it against what the receiver asked for, what the reply said and
// who the receiver is. A zero want.Owner is not checked: the receiver does not know whose catalog it is. Errors match
// [ErrHeader], or [ErrBinding] and the error of the first field that differs.
func OpenHeader(sealed []byte, target *Key, want Binding) (*Header, error) {
	if len(sealed) > maxHeader {
		return nil, fmt.Errorf("%w: it is %d bytes long", ErrHeader, len(sealed))
	}
	if CheckPublic(want.Sender) != nil {
		return nil, fmt.Errorf("%w: the sender has no xkey", ErrHeader)
	}
	plain, err := target.pair.Open(sealed, want.Sender)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHeader, err)
	}
	h, err := parseHeader(plain)
	if err != nil {
		return nil, err
	}
	want.Target = target.Public()
	return h, h.matches(want)
}

// matches returns an error that names the first field that is not as wanted.
func (h *Header) matches(want Binding) error {
	for _, row := range []struct {
		same bool
		err  error
	}{
		{h.Session == want.Session, ErrSession},
		{h.Catalog == want.Catalog, ErrCatalog},
		{h.Hash == want.Hash, ErrHash},
		{h.Layout.Size == want.Layout.Size, ErrSize},
		{h.Layout.ChunkSize == want.Layout.ChunkSize, ErrChunkSize},
		{want.Owner.IsZero() || h.Owner == want.Owner, ErrOwner},
		{h.Receiver == want.Receiver, ErrReceiver},
		{h.Target == want.Target, ErrTarget},
		{h.Sender == want.Sender, ErrSender},
	} {
		if !row.same {
			return fmt.Errorf("%w: %w", ErrBinding, row.err)
		}
	}
	return nil
}

// parseHeader reads a header's plaintext. What it accepts encodes to the same bytes. Errors match [ErrHeader].
func parseHeader(b []byte) (*Header, error) {
	const fixed = len(magic) + KeySize + len(events.Hash{}) + 8 + 4
	if len(b) < fixed || !bytes.HasPrefix(b, []byte(magic)) {
		return nil, fmt.Errorf("%w: not a header of protocol 2", ErrHeader)
	}
	h := &Header{}
	b = b[len(magic):]
	b = b[copy(h.Key[:], b):]
	b = b[copy(h.Hash[:], b):]
	h.Layout.Size = int64(binary.BigEndian.Uint64(b))
	h.Layout.ChunkSize = int(binary.BigEndian.Uint32(b[8:]))
	b = b[12:]
	if err := h.Layout.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHeader, err)
	}
	var texts [8]string
	for i := range texts {
		if len(b) == 0 || len(b) < 1+int(b[0]) {
			return nil, fmt.Errorf("%w: it is cut short", ErrHeader)
		}
		texts[i], b = string(b[1:1+int(b[0])]), b[1+int(b[0]):]
	}
	if len(b) > 0 {
		return nil, fmt.Errorf("%w: %d bytes too many", ErrHeader, len(b))
	}
	var err error
	h.Session, h.Target, h.Sender, h.Identity = texts[0], texts[4], texts[5], texts[6]
	if texts[7] != "" {
		h.Signature = []byte(texts[7])
	}
	if err = CheckSession(h.Session); err == nil {
		h.Catalog, err = events.ParseCatalog(texts[1])
	}
	if err == nil {
		h.Owner, err = events.ParseAccount(texts[2])
	}
	if err == nil {
		h.Receiver, err = events.ParseAccount(texts[3])
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHeader, err)
	}
	return h, nil
}
