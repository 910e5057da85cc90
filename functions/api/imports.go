package api

import "natster/events"

// The endpoints by which an account changes its own imports, in worlds that keep the accounts' keys. Answered by
// authority.
var (
	// ImportCatalog is `accounts.import`: imports a catalog that is shared with the caller; 403 when it is not, 409
	// when the name that it would have with the caller stands for another catalog there.
	ImportCatalog = Endpoint[ImportRequest, None]{Name: "accounts.import", Writes: true}
	// UnimportCatalog is `accounts.unimport`: takes an import back; 404 when there is none.
	UnimportCatalog = Endpoint[ImportRequest, None]{Name: "accounts.unimport", Writes: true}
	// ListImports is `accounts.imports`: what the caller imports.
	ListImports = Endpoint[None, []Import]{Name: "accounts.imports"}
)

// An ImportRequest names a catalog as its owner calls it, its owner, and what to call it if that is to be something
// else; to take an import back it names the catalog as the caller calls it.
//
//	{"catalog":"films","owner":"AAL…","as":"alicefilms"}
type ImportRequest struct {
	Catalog events.Catalog `json:"catalog"`
	Owner   events.Account `json:"owner,omitzero"`
	As      events.Catalog `json:"as,omitzero"`
}

// An Import is a catalog that the caller imports.
//
//	{"catalog":"films","owner":"AAL…"}
//	{"catalog":"films","owner":"AAL…","as":"alicefilms"}
type Import struct {
	Catalog events.Catalog `json:"catalog"`
	Owner   events.Account `json:"owner"`
	As      events.Catalog `json:"as,omitzero"` // what the caller calls it, if not as its owner does
}
