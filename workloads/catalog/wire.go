package catalog

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"natster/events"
	"natster/functions/api"
)

// Protocol2 is the value of "protocol" that opens a session. Any other, or none, asks for the original's push.
const Protocol2 = 2

// Headers of the original's media messages.
const (
	HeaderChunk       = "x-natster-chunk-idx"    // decimal, from 0
	HeaderTotal       = "x-natster-total-chunks" // decimal
	HeaderSender      = "x-natster-sender-xkey"
	HeaderTranscoding = "x-natster-transcoding" // "true" if the bytes are not the file's
)

// A GetRequest asks for a catalog's contents. Existing clients send nothing and get as much as fits into one message;
// with Page the reply is cut into pages.
//
//	{"page":true,"after":"films/a.mp4"}
type GetRequest struct {
	Page  bool   `json:"page,omitempty"`
	After string `json:"after,omitempty"` // only entries whose path is greater, byte by byte
	// Accept is [Gzip] from who understands [GetReply.Gzip].
	Accept string `json:"accept,omitempty"`
}

// A GetReply is [Contents], or a page of them.
type GetReply struct {
	Name        events.Catalog    `json:"name"`
	Description string            `json:"description"`
	Image       string            `json:"image,omitempty"`
	Revision    int64             `json:"revision,omitempty"` // addition
	Total       int               `json:"total,omitempty"`    // addition: entries in all pages
	Next        string            `json:"next,omitempty"`     // addition: there is more, after this path
	Entries     []json.RawMessage `json:"entries"`            // of [Entry]; raw, so that a bad one spoils no others
	// Gzip, if it is there, is all of the reply, compressed; see [GetReply.Plain].
	Gzip []byte `json:"gzip,omitempty"`
}

// A DownloadRequest asks for a file. With Protocol 2 it opens a session; otherwise the server pushes the file.
//
//	{"hash":"9f86d0…","transcode":false,"target_xkey":"XAB…","protocol":2,"chunk_size":524288}
type DownloadRequest struct {
	Hash      events.Hash `json:"hash"`
	Transcode bool        `json:"transcode"` // protocol 1; a server of ours never transcodes
	Target    string      `json:"target_xkey"`
	Protocol  int         `json:"protocol,omitempty"`
	ChunkSize int         `json:"chunk_size,omitempty"` // what the receiver proposes, in plaintext bytes

	// Room for an identity of the caller beyond its account: a public nkey and its signature. Not used yet.
	Identity  string `json:"identity,omitempty"`
	Signature []byte `json:"signature,omitempty"`
}

// A DownloadReply acknowledges a [DownloadRequest]. Protocol, Session and Header are protocol 2's.
//
//	{"acknowledged":true,"chunk_size":524288,"total_chunks":3,"sender_xkey":"XCD…","total_bytes":1200000,
//	 "protocol":2,"session":"KZ…","instance":"M5…","header":"eGt2MS…"}
type DownloadReply struct {
	Acknowledged bool   `json:"acknowledged"`
	ChunkSize    int    `json:"chunk_size"`
	TotalChunks  int64  `json:"total_chunks"`
	Sender       string `json:"sender_xkey"`
	TotalBytes   int64  `json:"total_bytes"`
	Protocol     int    `json:"protocol,omitempty"`
	Session      string `json:"session,omitempty"`
	Instance     string `json:"instance,omitempty"` // the server that has the session, see [AtInstance]
	Header       []byte `json:"header,omitempty"`   // sealed, see package seal
}

// AtInstance returns a verb for one of the servers of a catalog, by the instance that its reply named: "fetch.KZ…". The
// verb alone reaches any of them, and only one knows a session.
func AtInstance(verb, instance string) string {
	if instance == "" {
		return verb
	}
	return verb + "." + instance
}

// Limits of a [FetchRequest].
const (
	MaxFetchRanges = 64
	MaxFetchChunks = 256
)

// A FetchRequest asks for chunks of a session: pairs of first index and count.
//
//	{"session":"KZ…","chunks":[[0,4],[9,1]],"got":"000000079f86d081"}
type FetchRequest struct {
	Session string     `json:"session"`
	Chunks  [][2]int64 `json:"chunks"`
	Got     Proofs     `json:"got,omitempty"`
}

// Proofs are the counters of frames that have arrived since the last proofs of the session: beyond some bytes at once,
// an owner sends no account more, for the time being, than what it proves to have got. On the wire each is 16
// hexadecimal digits, and nothing is between them.
type Proofs []uint64

// MaxProofs is the most proofs in one request.
const MaxProofs = 1024

// MarshalText returns the counters as digits.
func (p Proofs) MarshalText() ([]byte, error) {
	text := make([]byte, 0, 16*len(p))
	for _, c := range p {
		text = fmt.Appendf(text, "%016x", c)
	}
	return text, nil
}

// UnmarshalText reads what MarshalText makes.
func (p *Proofs) UnmarshalText(text []byte) error {
	raw := make([]byte, len(text)/2)
	if len(text) > 16*MaxProofs {
		return fmt.Errorf("more than %d proofs", MaxProofs)
	}
	if _, err := hex.Decode(raw, text); err != nil || len(raw)%8 != 0 {
		return errors.New("the proofs are no numbers of 16 hexadecimal digits")
	}
	*p = make(Proofs, len(raw)/8)
	for i := range *p {
		(*p)[i] = binary.BigEndian.Uint64(raw[8*i:])
	}
	return nil
}

// A FetchReply says how many chunks the server is going to publish.
type FetchReply struct {
	Going int `json:"going"`
}

// A CloseRequest ends a session early. It succeeds for a session that does not exist.
type CloseRequest struct {
	Session string `json:"session"`
	Got     Proofs `json:"got,omitempty"`
}

// An UnshareRequest tells the servers of the account itself that it is about to take a share back, so that nothing that
// strangers do delays it: they refuse the account Target at once, and then answer. Position is 0 before the share is
// taken back in the event log, and afterwards the position there: the servers hear it twice.
//
//	{"catalog":"films","target":"ABO…","position":4711}
type UnshareRequest struct {
	Catalog  events.Catalog `json:"catalog"`
	Target   events.Account `json:"target"`
	Position uint64         `json:"position,omitempty"`
}

// An InboxReply says what is shared with this account and not imported yet. Of the account's servers one answers.
//
//	{"catalog":"films","account_key":"AAL…","revision":17,"unimported_shares":[{…}]}
type InboxReply struct {
	Catalog  events.Catalog  `json:"catalog"`
	Account  events.Account  `json:"account_key"`
	Revision int64           `json:"revision"`
	Shares   []api.Share     `json:"unimported_shares"`
	Serving  []api.Heartbeat `json:"serving"` // addition: all catalogs of the answering server
}
