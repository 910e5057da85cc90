package api

import "natster/events"

// PutHeartbeat is `heartbeats.put`: a catalog server of the caller is alive. No reply is expected, but a request gets
// one. Answered by presence.
var PutHeartbeat = Endpoint[Heartbeat, None]{Name: "heartbeats.put", Writes: true}

// StopHeartbeat is `heartbeats.stop`: the catalog server of the caller stops serving a catalog, which is offline from
// now on and not only when heartbeats have been missing. The revision does not matter. An addition. Answered by
// presence.
var StopHeartbeat = Endpoint[Heartbeat, None]{Name: "heartbeats.stop", Writes: true}

// A Heartbeat says that a catalog is being served, and which revision of it. It counts only when the account in it is
// the caller. The feed sends it on, as it came, to the accounts that the catalog is shared with.
//
//	{"catalog":"films","account_key":"AAL…","revision":1732082400}
type Heartbeat struct {
	Catalog  events.Catalog `json:"catalog"`
	Account  events.Account `json:"account_key"`
	Revision int64          `json:"revision"`
}

// A ShareNews is what the feed sends to both accounts of a share, as kind "shared" or "unshared".
//
//	{"from_account":"AAL…","to_account":"ABQ…","catalog":"films","position":44}
type ShareNews struct {
	From     events.Account `json:"from_account"`
	To       events.Account `json:"to_account"`
	Catalog  events.Catalog `json:"catalog"`
	Position uint64         `json:"position"` // in the event log: ask for at least this position to see it in a query
}
