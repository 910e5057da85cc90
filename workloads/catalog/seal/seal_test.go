package seal

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/nats-io/nkeys"

	"natster/events"
)

const chunk = 4096

func account(t testing.TB, b byte) events.Account {
	t.Helper()
	kp, err := nkeys.FromRawSeed(nkeys.PrefixByteAccount, bytes.Repeat([]byte{b}, 32))
	if err != nil {
		t.Fatal(err)
	}
	pub, err := kp.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	a, err := events.ParseAccount(pub)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func curve(t testing.TB, b byte) *Key {
	t.Helper()
	seed, err := nkeys.EncodeSeed(nkeys.PrefixByteCurve, bytes.Repeat([]byte{b}, 32))
	if err != nil {
		t.Fatal(err)
	}
	k, err := KeyFromSeed(string(seed))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func content(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{7})
	_, _ = r.Read(b)
	return b
}

// fixture is a session about file between two fixed parties, with a fixed content key.
func fixture(t testing.TB, file []byte, session byte) (h *Header, sender, target *Key) {
	sender, target = curve(t, 1), curve(t, 2)
	films, err := events.ParseCatalog("films")
	if err != nil {
		t.Fatal(err)
	}
	h = &Header{Binding: Binding{
		Session: string(bytes.Repeat([]byte{session}, SessionLen)), Catalog: films, Hash: sha256.Sum256(file),
		Layout: Layout{int64(len(file)), chunk}, Owner: account(t, 3), Receiver: account(t, 4),
		Target: target.Public(), Sender: sender.Public(),
	}}
	copy(h.Key[:], bytes.Repeat([]byte{0x42}, KeySize))
	return h, sender, target
}

func pipe(t testing.TB, h *Header) (*Sender, *Receiver) {
	t.Helper()
	s, err := NewSender(h)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReceiver(h)
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}

func sealChunk(t testing.TB, s *Sender, file []byte, i int64) []byte {
	t.Helper()
	n := s.layout.Length(i)
	buf := make([]byte, n+Overhead)
	copy(buf[PrefixSize:], file[s.layout.Offset(i):][:n])
	f, err := s.Seal(buf, i)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFilesOfAllSizesArriveWhole(t *testing.T) {
	for _, size := range []int{0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 10*chunk + 17} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			file := content(size)
			h, sender, target := fixture(t, file, 'A')
			sealed, err := h.Seal(sender, nil)
			if err != nil {
				t.Fatal(err)
			}
			opened, err := OpenHeader(sealed, target, h.Binding)
			if err != nil {
				t.Fatal(err)
			}
			s, _ := pipe(t, h)
			_, r := pipe(t, opened)
			var got []byte
			for i := range h.Layout.Chunks() {
				f, err := r.Open(sealChunk(t, s, file, i))
				if err != nil || f.Index != i || uint32(f.Counter) != uint32(i) {
					t.Fatalf("chunk %d: %+v, %v", i, f, err)
				}
				got = append(got, f.Plain...)
			}
			if !bytes.Equal(got, file) {
				t.Fatal("the file changed on its way")
			}
		})
	}
}

func TestAHeaderForSomethingElseIsRefused(t *testing.T) {
	h, sender, target := fixture(t, content(3*chunk), 'A')
	sealed, err := h.Seal(sender, nil)
	if err != nil {
		t.Fatal(err)
	}
	music, _ := events.ParseCatalog("music")
	for _, row := range []struct {
		name   string
		change func(*Binding)
		want   error
	}{
		{"session", func(b *Binding) { b.Session = string(bytes.Repeat([]byte{'B'}, SessionLen)) }, ErrSession},
		{"catalog", func(b *Binding) { b.Catalog = music }, ErrCatalog},
		{"hash", func(b *Binding) { b.Hash[0]++ }, ErrHash},
		{"size", func(b *Binding) { b.Layout.Size++ }, ErrSize},
		{"chunk size", func(b *Binding) { b.Layout.ChunkSize++ }, ErrChunkSize},
		{"owner", func(b *Binding) { b.Owner = b.Receiver }, ErrOwner},
		{"receiver", func(b *Binding) { b.Receiver = b.Owner }, ErrReceiver},
	} {
		t.Run(row.name, func(t *testing.T) {
			want := h.Binding
			row.change(&want)
			if _, err := OpenHeader(sealed, target, want); !errors.Is(err, row.want) || !errors.Is(err, ErrBinding) {
				t.Fatalf("got %v, want %v", err, row.want)
			}
		})
	}
	t.Run("any owner will do when none is known", func(t *testing.T) {
		want := h.Binding
		want.Owner = events.Account{}
		if got, err := OpenHeader(sealed, target, want); err != nil || got.Owner != h.Owner {
			t.Fatal(got, err)
		}
	})
	t.Run("sealed to another key", func(t *testing.T) {
		if _, err := OpenHeader(sealed, curve(t, 9), h.Binding); !errors.Is(err, ErrHeader) {
			t.Fatal(err)
		}
	})
	t.Run("sealed by another key", func(t *testing.T) {
		want := h.Binding
		want.Sender = curve(t, 9).Public()
		if _, err := OpenHeader(sealed, target, want); !errors.Is(err, ErrHeader) {
			t.Fatal(err)
		}
	})
	t.Run("claims another target or sender", func(t *testing.T) {
		forged := *h
		forged.Target = curve(t, 9).Public()
		plain := append(forged.appendUnsigned(nil), 0)
		b, err := sender.pair.Seal(plain, target.Public())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := OpenHeader(b, target, h.Binding); !errors.Is(err, ErrTarget) {
			t.Fatal(err)
		}
	})
	t.Run("one bit changed", func(t *testing.T) {
		for i := range sealed {
			bad := bytes.Clone(sealed)
			bad[i] ^= 1
			if _, err := OpenHeader(bad, target, h.Binding); !errors.Is(err, ErrHeader) {
				t.Fatalf("byte %d: %v", i, err)
			}
		}
	})
}

func TestTheHeaderHasRoomForASignature(t *testing.T) {
	h, sender, target := fixture(t, content(1), 'A')
	id, err := nkeys.FromRawSeed(nkeys.PrefixByteUser, bytes.Repeat([]byte{5}, 32))
	if err != nil {
		t.Fatal(err)
	}
	h.Identity, _ = id.PublicKey()
	if h.Signature, err = id.Sign(h.SignedBytes()); err != nil {
		t.Fatal(err)
	}
	sealed, err := h.Seal(sender, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := OpenHeader(sealed, target, h.Binding)
	if err != nil {
		t.Fatal(err)
	}
	if err := id.Verify(got.SignedBytes(), got.Signature); err != nil {
		t.Fatal(err)
	}
}

func TestChangedChunksDoNotOpen(t *testing.T) {
	file := content(3*chunk + 5)
	h, _, _ := fixture(t, file, 'A')
	s, r := pipe(t, h)
	other, _, _ := fixture(t, file, 'B') // even under the same content key
	foreign, _ := pipe(t, other)
	tiny := content(1)
	tinyHeader, _, _ := fixture(t, tiny, 'A')
	tinySender, _ := pipe(t, tinyHeader)
	put := func(i int, v byte) func([]byte) []byte {
		return func(f []byte) []byte { f[i] = v; return f }
	}
	for _, row := range []struct {
		name  string
		frame []byte
		do    func([]byte) []byte
		want  error
	}{
		{"moved to another place", sealChunk(t, s, file, 0), put(11, 1), ErrTampered},
		{"moved beyond the end", sealChunk(t, s, file, 0), put(11, 9), ErrLength},
		{"index absurd", sealChunk(t, s, file, 0), put(4, 0xff), ErrFrame},
		{"called the last", sealChunk(t, s, file, 0), put(1, 2), ErrLength},
		{"the last, called not the last", sealChunk(t, s, file, 3), put(1, 1), ErrLength},
		{"called an end", sealChunk(t, s, file, 3), put(1, 3), ErrFrame},
		{"small, called an end", sealChunk(t, tinySender, tiny, 0), put(1, 3), ErrTampered},
		{"of no kind", sealChunk(t, s, file, 0), put(1, 7), ErrFrame},
		{"of another version", sealChunk(t, s, file, 0), put(0, 3), ErrFrame},
		{"reserved bytes used", sealChunk(t, s, file, 0), put(2, 1), ErrFrame},
		{"counter changed", sealChunk(t, s, file, 0), put(19, 99), ErrTampered},
		{"cut", sealChunk(t, s, file, 0), func(f []byte) []byte { return f[:len(f)-1] }, ErrLength},
		{"cut to nothing", sealChunk(t, s, file, 0), func(f []byte) []byte { return f[:Overhead-1] }, ErrFrame},
		{"added to", sealChunk(t, s, file, 0), func(f []byte) []byte { return append(f, 0) }, ErrLength},
		{"of another session", sealChunk(t, foreign, file, 0), func(f []byte) []byte { return f }, ErrTampered},
		{"one bit changed", sealChunk(t, s, file, 1), func(f []byte) []byte { f[500] ^= 4; return f }, ErrTampered},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, err := r.Open(row.do(row.frame)); !errors.Is(err, row.want) {
				t.Fatalf("got %v, want %v", err, row.want)
			}
		})
	}
}

func TestAChunkSentTwiceNeverUsesANonceTwice(t *testing.T) {
	file := content(chunk)
	h, _, _ := fixture(t, file, 'A')
	s, r := pipe(t, h)
	first := sealChunk(t, s, file, 0)
	file[0]++ // the file changes under the sender
	second := sealChunk(t, s, file, 0)
	if bytes.Equal(first[12:20], second[12:20]) {
		t.Fatal("the same counter twice")
	}
	for _, frame := range [][]byte{first, second} {
		if _, err := r.Open(frame); err != nil {
			t.Fatal(err)
		}
	}
	s.count.Store(maxFrames)
	if _, err := s.Seal(make([]byte, chunk+Overhead), 0); !errors.Is(err, ErrExhausted) {
		t.Fatal(err)
	}
}

func TestTheEndSaysWhy(t *testing.T) {
	h, _, _ := fixture(t, content(1), 'A')
	s, r := pipe(t, h)
	b, err := s.SealEnd(End{410, "the file changed"})
	if err != nil {
		t.Fatal(err)
	}
	f, err := r.Open(b)
	if err != nil || f.Kind != KindEnd || f.End != (End{410, "the file changed"}) {
		t.Fatal(f, err)
	}
	if _, err := s.SealEnd(End{500, string(bytes.Repeat([]byte("<"), 5000))}); err != nil {
		t.Fatal(err)
	}
}

func TestImpossibleSizesAreRefused(t *testing.T) {
	for _, l := range []Layout{{-1, 1}, {MaxSize + 1, 1}, {1, 0}, {1, -1}, {1, MaxChunk + 1}} {
		if err := l.Check(); !errors.Is(err, ErrLayout) {
			t.Errorf("%+v: %v", l, err)
		}
	}
	if n := FitChunk(512<<10, 1<<20); n != 512<<10 {
		t.Error(n)
	}
	if n := FitChunk(1<<20, 1<<20); n+Overhead > 1<<20 {
		t.Error(n, "cannot be published")
	}
	if n := FitChunk(0, 1<<20); n != DefaultChunk {
		t.Error(n)
	}
	if n := FitChunk(-5, 8<<10); n+Overhead > 8<<10 || n < MinChunk {
		t.Error(n)
	}
}

func TestProtocol1RoundTrip(t *testing.T) {
	sender, target := curve(t, 1), curve(t, 2)
	for _, n := range []int{1, Chunk1 - 1, Chunk1} {
		sealed, err := Seal1(content(n), sender, target.Public())
		if err != nil || len(sealed) != n+4+24+16 { // "xkv1", a nonce, a tag
			t.Fatal(len(sealed), err)
		}
		got, err := Open1(sealed, target, sender.Public())
		if err != nil || !bytes.Equal(got, content(n)) {
			t.Fatal(err)
		}
		sealed[len(sealed)-1] ^= 1
		if _, err := Open1(sealed, target, sender.Public()); err == nil {
			t.Fatal("a changed chunk opens")
		}
	}
}

func TestSealingAndOpeningAllocateNothing(t *testing.T) {
	file := content(chunk)
	h, _, _ := fixture(t, file, 'A')
	s, r := pipe(t, h)
	buf := make([]byte, chunk+Overhead)
	n := testing.AllocsPerRun(100, func() {
		frame, err := s.Seal(buf, 0)
		if err == nil {
			_, err = r.Open(frame)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	if n > 0.5 { // the pool may be emptied by a collection
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkSealOpen(b *testing.B) {
	for _, size := range []int{4 << 10, 128 << 10, 256 << 10, 512 << 10} {
		h, _, _ := fixture(b, nil, 'A')
		h.Layout = Layout{int64(size), size}
		s, r := pipe(b, h)
		buf := make([]byte, size+Overhead)
		b.Run(fmt.Sprint(size>>10, "KiB"), func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				frame, err := s.Seal(buf, 0)
				if err == nil {
					_, err = r.Open(frame)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
