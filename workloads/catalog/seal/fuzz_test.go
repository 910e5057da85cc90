package seal

import (
	"bytes"
	"errors"
	"testing"
)

func FuzzParseHeader(f *testing.F) {
	h, _, _ := fixture(f, content(3*chunk), 'A')
	f.Add(append(h.appendUnsigned(nil), 0))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parseHeader(b)
		if err != nil {
			if !errors.Is(err, ErrHeader) {
				t.Fatal(err)
			}
			return
		}
		again := append(h.appendUnsigned(nil), byte(len(h.Signature)))
		if again = append(again, h.Signature...); !bytes.Equal(again, b) {
			t.Fatalf("%x became %x", b, again)
		}
	})
}

func FuzzOpenHeader(f *testing.F) {
	h, sender, target := fixture(f, content(3*chunk), 'A')
	sealed, err := h.Seal(sender, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add([]byte("xkv1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := OpenHeader(b, target, h.Binding); err != nil && !errors.Is(err, ErrHeader) &&
			!errors.Is(err, ErrBinding) {
			t.Fatal(err)
		}
	})
}

func FuzzOpenFrame(f *testing.F) {
	file := content(3 * chunk)
	h, _, _ := fixture(f, file, 'A')
	s, r := pipe(f, h)
	f.Add(sealChunk(f, s, file, 0))
	f.Add(sealChunk(f, s, file, 2))
	end, err := s.SealEnd(End{404, "stopped"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(end)
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := r.Open(b); err != nil && !errors.Is(err, ErrFrame) && !errors.Is(err, ErrTampered) &&
			!errors.Is(err, ErrLength) {
			t.Fatal(err)
		}
	})
}
