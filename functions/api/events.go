package api

import (
	"encoding/json"

	"natster/events"
)

// Put is `events.put`: a command that becomes an event when it is valid. Answered by eventwriter.
var Put = Endpoint[PutRequest, PutReply]{Name: "events.put", Writes: true}

// A PutRequest asks for an event on behalf of the calling account. Catalog and target are the word "none" where the
// type has none. Nothing in it says which account asks: NATS does.
//
//	{"catalog":"films","target":"AAL…","event_type":"catalog_shared"}
type PutRequest struct {
	Catalog   string          `json:"catalog"`
	Target    string          `json:"target"`
	EventType string          `json:"event_type"`
	Data      json.RawMessage `json:"data,omitempty"`
}

// A put is answered when it is in the log; to a caller that keeps no positions (existing clients) when the projections
// that its next query reads have it, too, or when they take too long.
//
// A PutReply is empty on the wire of existing clients; the position of the event travels in [HeaderPosition]. A command
// that changes nothing (sharing what is shared) is a success at the position that made it so.
type PutReply struct{}

// LastPosition is `events.position`: how far the log is as to the caller. The reply has no data; the position of the
// last event that the caller caused, as of now, travels in [HeaderPosition], which is missing if there is none. An
// addition. Answered by eventwriter.
var LastPosition = Endpoint[None, None]{Name: "events.position"}

// PutInternal is `natster.internal.events.<origin>.<type>`: how other functions append. The subject says on whose
// behalf and which type, so that NATS permissions bound what each function can write: otc binds contexts, hub shares
// its catalog.
func PutInternal(origin string, t events.Type) Endpoint[PutRequest, PutReply] {
	return Endpoint[PutRequest, PutReply]{Name: "events." + origin + "." + string(t), Internal: true, Writes: true}
}
