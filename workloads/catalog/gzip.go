package catalog

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Gzip is the value of [GetRequest.Accept] of a client that understands [GetReply.Gzip].
const Gzip = "gzip"

// maxPage bounds a page that came compressed, in bytes: it is some times the largest message.
const maxPage = 8 << 20

// Compressed returns a reply that holds the encoded page compressed.
func Compressed(page []byte) (GetReply, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(page)
	if err = errors.Join(err, w.Close()); err != nil {
		return GetReply{}, fmt.Errorf("compress a page: %w", err)
	}
	return GetReply{Gzip: b.Bytes(), Entries: []json.RawMessage{}}, nil
}

// Plain returns the reply that r holds compressed, or r itself if it is as it is. Errors wrap [ErrContents].
func (r GetReply) Plain() (GetReply, error) {
	if len(r.Gzip) == 0 {
		return r, nil
	}
	var plain GetReply
	z, err := gzip.NewReader(bytes.NewReader(r.Gzip))
	if err != nil {
		return plain, fmt.Errorf("%w: a page cannot be decompressed: %w", ErrContents, err)
	}
	text, err := io.ReadAll(io.LimitReader(z, maxPage+1))
	switch {
	case err != nil:
		return plain, fmt.Errorf("%w: a page cannot be decompressed: %w", ErrContents, err)
	case len(text) > maxPage:
		return plain, fmt.Errorf("%w: a page has more than %d bytes", ErrContents, maxPage)
	}
	if err := json.Unmarshal(text, &plain); err != nil {
		return plain, fmt.Errorf("%w: a page cannot be read: %w", ErrContents, err)
	}
	plain.Gzip = nil
	return plain, nil
}
