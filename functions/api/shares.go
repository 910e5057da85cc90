package api

import "natster/events"

// MyShares is `my.shares`: the shares by and to the caller. Answered by queries.
var MyShares = Endpoint[SharesRequest, []Share]{Name: "my.shares"}

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

// ValidateName is `catalogs.validatename`: may the caller share a catalog by that name? Answered by queries.
var ValidateName = Endpoint[Text, NameVerdict]{Name: "catalogs.validatename"}

// A NameVerdict tells whether a name can be used, and if not, why.
//
//	{"valid":false,"message":"another account already shares a catalog called films"}
type NameVerdict struct {
	Valid   bool   `json:"valid"`
	Message string `json:"message"`
}
