package api

import "natster/events"

// MyShares is `my.shares`: the shares by and to the caller. Answered by queries. An answer may have a thousand of them.
var MyShares = Endpoint[SharesRequest, []Share]{Name: "my.shares", Weight: 4}

// A SharesRequest is empty on the wire of existing clients: everything, as far as it fits into one message.
//
//	{"after":"to:1044","limit":500}
type SharesRequest struct {
	After string `json:"after,omitempty"` // the cursor of [HeaderNext]
	Limit int    `json:"limit,omitempty"` // most shares in the reply; 0 is as many as fit
}

func (SharesRequest) optional() {}

// A Share is one catalog that one account shares with another.
//
//	{"from_account":"AAL…","to_account":"ABQ…","catalog":"films","catalog_online":true,"revision":1732082400}
type Share struct {
	From     events.Account `json:"from_account"`
	To       events.Account `json:"to_account"`
	Catalog  events.Catalog `json:"catalog"`
	Online   bool           `json:"catalog_online"`
	Revision int64          `json:"revision"`
	Imported bool           `json:"imported,omitempty"` // addition: the receiving account has said that it imported it
}

// Names is `my.names`: what accounts call themselves. Answered by queries, for those that share something with the
// caller or have imported something of the caller's: by either they chose to be known. A name is a claim, and any
// account may take any: show it beside the key. The reply leaves out accounts that are not known to the caller, or have
// no name.
var Names = Endpoint[NamesRequest, map[events.Account]string]{Name: "my.names"}

// A NamesRequest asks for the names of at most [MaxNames] accounts.
//
//	{"accounts":["AAL…","ABQ…"]}
type NamesRequest struct {
	Accounts []events.Account `json:"accounts"`
}

// MaxNames is the most accounts in one [NamesRequest].
const MaxNames = 50

// ValidateName is `catalogs.validatename`: can the caller give a new catalog that name? Not what cannot be a name, the
// hub's, and what the caller shares already; what others call theirs does not matter. Answered by queries.
var ValidateName = Endpoint[Text, NameVerdict]{Name: "catalogs.validatename"}

// A NameVerdict says whether a name can be used, and if not, why.
//
//	{"valid":false,"message":"you already share a catalog called films"}
type NameVerdict struct {
	Valid   bool   `json:"valid"`
	Message string `json:"message"`
}
