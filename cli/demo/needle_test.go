package demo

import (
	"bytes"
	"testing"
)

func TestANeedleFindsWhatIsThereAndNothingElse(t *testing.T) {
	n := emptyNeedle()
	text := []byte("it was a bright cold day in april, and nobody had counted the clocks")
	for i := range len(text) - pieceSize + 1 {
		n.know(text[i : i+pieceSize])
	}
	hidden := append(append(bytes.Repeat([]byte{7}, 1000), text[10:50]...), bytes.Repeat([]byte{0}, 1000)...)
	if got := n.count(hidden); got != 40-pieceSize+1 {
		t.Errorf("found %d pieces of 40 bytes, want %d", got, 40-pieceSize+1)
	}
	if got := n.count(bytes.Repeat([]byte("bright cold day in april, and "), 50)); got != 0 {
		t.Errorf("found %d pieces that are not there", got)
	}
	if got := n.count(text[:31]); got != 0 {
		t.Errorf("found %d pieces in less than one", got)
	}
}
