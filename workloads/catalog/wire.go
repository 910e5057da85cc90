package catalog

import (
	"encoding/json"

	"natster/events"
	"natster/functions/api"
)

// Protocol2 is the value of "protocol" that opens a session; its absence, or any other, means the original's push.
const Protocol2 = 2

// Headers of the original's media messages.
const (
	HeaderChunk       = "x-natster-chunk-idx"    // decimal, from 0
	HeaderTotal       = "x-natster-total-chunks" // decimal
	HeaderSender      = "x-natster-sender-xkey"
	HeaderTranscoding = "x-natster-transcoding" // "true" when the bytes are not the file's
)

// A GetRequest asks for a catalog's contents. Existing clients send nothing and get everything, as far as it fits into
// one message; with Page the reply is cut where it must be.
//
//	{"page":true,"after":"films/a.mp4"}
type GetRequest struct {
	Page  bool   `json:"page,omitempty"`
	After string `json:"after,omitempty"` // only entries whose path is greater, bytewise
}

// A GetReply is [Contents], or a page of them.
type GetReply struct {
	Name        events.Catalog    `json:"name"`
	Description string            `json:"description"`
	Image       string            `json:"image,omitempty"`
	Revision    int64             `json:"revision,omitempty"` // addition
	Total       int               `json:"total,omitempty"`    // addition: entries in all pages
	Next        string            `json:"next,omitempty"`     // addition: there is more; ask again with this After
	Entries     []json.RawMessage `json:"entries"`            // each an [Entry]; raw, so that a bad one does not spoil the page
}

// A DownloadRequest asks for a file. With Protocol 2 it opens a session, otherwise the server pushes the file.
//
//	{"hash":"9f86d0…","transcode":false,"target_xkey":"XAB…","protocol":2,"chunk_size":524288}
type DownloadRequest struct {
	Hash      events.Hash `json:"hash"`
	Transcode bool        `json:"transcode"` // protocol 1; ours never transcodes, and says so by sending no such header
	Target    string      `json:"target_xkey"`
	Protocol  int         `json:"protocol,omitempty"`
	ChunkSize int         `json:"chunk_size,omitempty"` // what the receiver would like, in plaintext bytes

	// Room for who asks beyond the account that NATS vouches for: a public nkey and its signature. Ignored today.
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
	Instance     string `json:"instance,omitempty"` // of the server: who has the session, see [AtInstance]
	Header       []byte `json:"header,omitempty"`   // sealed, see package seal
}

// AtInstance is a verb that only one of the servers of a catalog hears, by the instance that its reply named:
// "fetch.KZ…". The bare verb reaches any of them, and a session is known to one.
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
//	{"session":"KZ…","chunks":[[0,4],[9,1]]}
type FetchRequest struct {
	Session string     `json:"session"`
	Chunks  [][2]int64 `json:"chunks"`
}

// A FetchReply says how many chunks are going to be published.
type FetchReply struct {
	Going int `json:"going"`
}

// A CloseRequest ends a session early. It succeeds for a session that is not there.
type CloseRequest struct {
	Session string `json:"session"`
}

// An InboxReply says what is shared with this account and not imported yet, and by whom it was asked: one server of the
// account answers for all.
//
//	{"catalog":"films","account_key":"AAL…","revision":17,"unimported_shares":[{…}]}
type InboxReply struct {
	Catalog  events.Catalog  `json:"catalog"`
	Account  events.Account  `json:"account_key"`
	Revision int64           `json:"revision"`
	Shares   []api.Share     `json:"unimported_shares"`
	Serving  []api.Heartbeat `json:"serving"` // addition: all catalogs of the answering server
}
