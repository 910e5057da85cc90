package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
)

// Sizes of a frame, in bytes.
const (
	PrefixSize = 20 // before the ciphertext
	tagSize    = 16 // after it
	Overhead   = PrefixSize + tagSize
)

// Errors of frames. A receiver drops such a frame without a word and asks for the chunk again: everyone who can publish
// in the owner's account can send garbage.
var (
	ErrFrame    = errors.New("not a frame of protocol 2")
	ErrTampered = errors.New("the frame does not open: changed, or of another session")
	ErrLength   = errors.New("the chunk has another length, or another place, than the header says")
)

// ErrExhausted ends a session that has sent 2^32 frames; its counter must not wrap.
var ErrExhausted = errors.New("the session has sent too many frames")

const maxFrames = 1 << 32

// A Kind is what a frame carries.
type Kind byte

// The kinds of frames.
const (
	KindChunk Kind = 1 // a chunk of the file
	KindLast  Kind = 2 // the chunk that ends the file
	KindEnd   Kind = 3 // the session is over: an [End]
)

// An End says why a session is over.
//
//	{"code":410,"error":"the file changed"}
type End struct {
	Code  int    `json:"code"`
	Error string `json:"error"`
}

// maxEnd bounds the plaintext of an end, in bytes.
const maxEnd = 1024

// A channel is what the sender and the receiver of a session have in common.
type channel struct {
	aead    cipher.AEAD
	session string
	layout  Layout
	scratch sync.Pool // of *scratch, which would escape to the heap for every frame
}

// A scratch is the memory for a frame's nonce and associated data.
type scratch struct {
	nonce [12]byte
	ad    [SessionLen + PrefixSize]byte
}

func newChannel(h *Header) (*channel, error) {
	if err := h.Layout.Check(); err != nil {
		return nil, err
	}
	if err := CheckSession(h.Session); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(h.Key[:])
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	c := &channel{aead: aead, session: h.Session, layout: h.Layout}
	c.scratch.New = func() any {
		s := new(scratch)
		copy(s.ad[:], c.session)
		return s
	}
	return c, nil
}

// fill completes the nonce and the associated data of a frame with the given prefix.
func (s *scratch) fill(prefix []byte) {
	copy(s.nonce[4:], prefix[12:PrefixSize])
	copy(s.ad[SessionLen:], prefix)
}

// A Sender seals the frames of one session. It is safe for concurrent use: every frame takes the next count, so no two
// are sealed under one nonce. The layout of a frame, integers big-endian:
//
//	0   1   0x02
//	1   1   kind: 1 chunk, 2 chunk that ends the file, 3 end of session
//	2   2   0
//	4   8   index of the chunk from 0; 0 for kind 3
//	12  8   counter: 4 random bytes, and 4 that count the frames of the session from 0
//	20  n   ciphertext
//	..  16  tag
//
// Only who has got a frame knows its counter, and so proves it.
//
// AES-256-GCM; nonce: four zero bytes and the counter; associated data: the session id as text and the first 20 bytes.
type Sender struct {
	*channel
	count  atomic.Uint64
	random func() uint32 // ChaCha8, which is not known from what it gave before
}

// NewSender returns the sender of h's session, which must have only one.
func NewSender(h *Header) (*Sender, error) {
	c, err := newChannel(h)
	if err != nil {
		return nil, err
	}
	return &Sender{channel: c, random: rand.Uint32}, nil
}

// Seal makes chunk index into a frame, in place and without allocation. The plaintext is in buf[PrefixSize:] and as
// long as the layout says; buf has capacity for it and [Overhead]. The frame returned is the beginning of buf.
func (s *Sender) Seal(buf []byte, index int64) ([]byte, error) {
	n := s.layout.Length(index)
	if n == 0 || cap(buf) < n+Overhead {
		return nil, fmt.Errorf("seal chunk %d in %d bytes: %w", index, cap(buf), ErrLength)
	}
	kind := KindChunk
	if s.layout.Last(index) {
		kind = KindLast
	}
	return s.seal(buf[:n+Overhead], kind, index, n)
}

// SealEnd returns the frame that ends the session for the reason given.
func (s *Sender) SealEnd(e End) ([]byte, error) {
	e.Error = e.Error[:min(len(e.Error), maxEnd/2)] // leaves room for the code and for what JSON escapes
	plain, err := json.Marshal(e)
	if err != nil || len(plain) > maxEnd {
		plain = []byte(`{"code":500,"error":"the session is over"}`)
	}
	buf := make([]byte, len(plain)+Overhead)
	copy(buf[PrefixSize:], plain)
	return s.seal(buf, KindEnd, 0, len(plain))
}

func (s *Sender) seal(buf []byte, kind Kind, index int64, n int) ([]byte, error) {
	count := s.count.Add(1) - 1
	if count >= maxFrames {
		return nil, ErrExhausted
	}
	counter := uint64(s.random())<<32 | count
	prefix := buf[:PrefixSize]
	prefix[0], prefix[1], prefix[2], prefix[3] = magic[len(magic)-1], byte(kind), 0, 0
	binary.BigEndian.PutUint64(prefix[4:], uint64(index))
	binary.BigEndian.PutUint64(prefix[12:], counter)
	x := s.scratch.Get().(*scratch)
	x.fill(prefix)
	plain := buf[PrefixSize : PrefixSize+n]
	s.aead.Seal(plain[:0], x.nonce[:], plain, x.ad[:])
	s.scratch.Put(x)
	return buf[:n+Overhead], nil
}

// A Frame is an opened frame.
type Frame struct {
	Kind    Kind
	Index   int64  // of the chunk, from 0
	Counter uint64 // of the frame
	Plain   []byte // the chunk, in the memory of the frame it was opened from
	End     End    // for [KindEnd]
}

// CounterOf returns the counter of a frame that [Sender.Seal] made.
func CounterOf(frame []byte) uint64 { return binary.BigEndian.Uint64(frame[12:PrefixSize]) }

// A Receiver opens the frames of one session. It is safe for concurrent use.
type Receiver struct{ *channel }

// NewReceiver returns the receiver of h's session.
func NewReceiver(h *Header) (*Receiver, error) {
	c, err := newChannel(h)
	if err != nil {
		return nil, err
	}
	return &Receiver{c}, nil
}

// Open opens b in place, without allocation: after that, b may be used only through the frame returned. Errors match
// [ErrFrame], [ErrTampered] or [ErrLength].
func (r *Receiver) Open(b []byte) (Frame, error) {
	if len(b) < Overhead || b[0] != magic[len(magic)-1] || b[2] != 0 || b[3] != 0 {
		return Frame{}, ErrFrame
	}
	f := Frame{Kind: Kind(b[1]), Counter: CounterOf(b)}
	index := binary.BigEndian.Uint64(b[4:])
	if index > MaxSize {
		return Frame{}, ErrFrame
	}
	f.Index = int64(index)
	n := len(b) - Overhead
	switch f.Kind {
	case KindChunk, KindLast:
		if want := r.layout.Length(f.Index); want == 0 || want != n || r.layout.Last(f.Index) != (f.Kind == KindLast) {
			return Frame{}, ErrLength // before the cost of opening
		}
	case KindEnd:
		if n > maxEnd || index != 0 {
			return Frame{}, ErrFrame
		}
	default:
		return Frame{}, ErrFrame
	}
	x := r.scratch.Get().(*scratch)
	x.fill(b[:PrefixSize])
	plain, err := r.aead.Open(b[PrefixSize:PrefixSize], x.nonce[:], b[PrefixSize:], x.ad[:])
	r.scratch.Put(x)
	if err != nil {
		return Frame{}, ErrTampered
	}
	if f.Kind != KindEnd {
		f.Plain = plain
		return f, nil
	}
	var end End // f.End would make f escape to the heap for every chunk
	if json.Unmarshal(plain, &end) != nil {
		return Frame{}, ErrFrame
	}
	f.End = end
	return f, nil
}
