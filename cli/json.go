package cli

import (
	"time"

	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog"
)

// What --json prints of things that several commands print. Natster help json explains the names; they are this
// package's own: what programs send each other keeps the names that it has always had.

// A shareRow is a share in a listing.
type shareRow struct {
	Catalog  events.Catalog `json:"catalog"`
	From     events.Account `json:"from"`
	To       events.Account `json:"to"`
	Online   bool           `json:"online"`
	Imported bool           `json:"imported"`
}

func newShareRow(x api.Share) shareRow {
	return shareRow{x.Catalog, x.From, x.To, x.Online, x.Imported}
}

func shareRows(all []api.Share) []shareRow {
	rows := make([]shareRow, len(all)) // [] if there are none
	for i, x := range all {
		rows[i] = newShareRow(x)
	}
	return rows
}

// An entryRow is a file of a catalog.
type entryRow struct {
	Path        string      `json:"path"`
	Bytes       int64       `json:"bytes"`
	MIMEType    string      `json:"mime_type"`
	Hash        events.Hash `json:"hash"`
	Modified    time.Time   `json:"modified,omitzero"`
	Description string      `json:"description,omitempty"`
}

func newEntryRow(e catalog.Entry) entryRow {
	modified := e.ModTime()
	if !modified.IsZero() {
		modified = modified.UTC()
	}
	return entryRow{e.Path, e.Size, e.MIMEType, e.Hash, modified, e.Description}
}

// A contentsResult is what is in a catalog.
type contentsResult struct {
	Catalog     events.Catalog `json:"catalog"`
	Description string         `json:"description,omitempty"`
	Image       string         `json:"image,omitempty"`
	Files       int            `json:"files"`
	Bytes       int64          `json:"bytes"`
	Entries     []entryRow     `json:"entries"`
}

func newContentsResult(c catalog.Contents) contentsResult {
	entries := make([]entryRow, len(c.Entries))
	for i, e := range c.Entries {
		entries[i] = newEntryRow(e)
	}
	return contentsResult{c.Name, c.Description, c.Image, len(entries), c.Size(), entries}
}

// A totalsResult is the running totals of a world.
type totalsResult struct {
	Accounts int64 `json:"accounts"`
	Online   int64 `json:"catalogs_online"`
	Shares   int64 `json:"shares"`

	Limits []quotaResult `json:"limits"` // of the account that asks; none from functions of an older version
}

// A quotaResult is what an account may take of one thing, and has taken of it, if that is counted.
type quotaResult struct {
	Name string `json:"name"`
	Used *int   `json:"used,omitempty"`
	Most int64  `json:"most"`
	doc  string
}
