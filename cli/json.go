package cli

import (
	"time"

	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog"
)

// What --json prints of things that several commands print. The names are explained by natster help json; they are this
// package's own, since what travels between programs keeps the names that it has always had.

// A shareJSON is a share, as JSON has it.
type shareJSON struct {
	Catalog  events.Catalog `json:"catalog"`
	From     events.Account `json:"from"`
	To       events.Account `json:"to"`
	Online   bool           `json:"online"`
	Imported bool           `json:"imported"`
}

func shareAsJSON(x api.Share) shareJSON {
	return shareJSON{x.Catalog, x.From, x.To, x.Online, x.Imported}
}

func sharesAsJSON(all []api.Share) []shareJSON {
	rows := make([]shareJSON, len(all)) // [] if there are none
	for i, x := range all {
		rows[i] = shareAsJSON(x)
	}
	return rows
}

// An entryJSON is a file of a catalog, as JSON has it.
type entryJSON struct {
	Path        string      `json:"path"`
	Bytes       int64       `json:"bytes"`
	MIMEType    string      `json:"mime_type"`
	Hash        events.Hash `json:"hash"`
	Modified    time.Time   `json:"modified,omitzero"`
	Description string      `json:"description,omitempty"`
}

func entryAsJSON(e catalog.Entry) entryJSON {
	modified := e.ModTime()
	if !modified.IsZero() {
		modified = modified.UTC()
	}
	return entryJSON{e.Path, e.Size, e.MIMEType, e.Hash, modified, e.Description}
}

// A contentsJSON is what is in a catalog, as JSON has it.
type contentsJSON struct {
	Catalog     events.Catalog `json:"catalog"`
	Description string         `json:"description,omitempty"`
	Image       string         `json:"image,omitempty"`
	Files       int            `json:"files"`
	Bytes       int64          `json:"bytes"`
	Entries     []entryJSON    `json:"entries"`
}

func contentsAsJSON(c catalog.Contents) contentsJSON {
	entries := make([]entryJSON, len(c.Entries))
	for i, e := range c.Entries {
		entries[i] = entryAsJSON(e)
	}
	return contentsJSON{c.Name, c.Description, c.Image, len(entries), c.Size(), entries}
}

// A totalsJSON is the running totals of a world, as JSON has them.
type totalsJSON struct {
	Accounts int64 `json:"accounts"`
	Online   int64 `json:"catalogs_online"`
	Shares   int64 `json:"shares"`
}
