package queries

import (
	"fmt"
	"strconv"
	"strings"

	"natster/functions/api"
)

// A side is one of the two sets that an account's shares are: those by it and those to it. Pages go through them in
// turn.
type side string

const (
	sideBy side = "by"
	sideTo side = "to"
)

// A cursor says where the next page begins: in which generation of the documents, on which side, from which revision.
// To callers it is opaque.
type cursor struct {
	generation uint64
	side       side
	from       uint64
}

// start is the beginning of all pages.
func start(generation uint64) cursor { return cursor{generation, sideBy, 1} }

// String is `<generation>:<side>:<from>`.
func (c cursor) String() string {
	return fmt.Sprintf("%d:%s:%d", c.generation, c.side, c.from)
}

// parseCursor reads what [cursor.String] wrote; anything else is [api.ErrBadRequest].
func parseCursor(s string) (cursor, error) {
	refused := api.Errorf(api.ErrBadRequest, "after: not a cursor of this endpoint")
	const longest = 20 + 1 + 2 + 1 + 20
	if len(s) > longest {
		return cursor{}, refused
	}
	part := strings.Split(s, ":")
	if len(part) != 3 {
		return cursor{}, refused
	}
	generation, errG := strconv.ParseUint(part[0], 10, 64)
	from, errF := strconv.ParseUint(part[2], 10, 64)
	c := cursor{generation, side(part[1]), from}
	if errG != nil || errF != nil || from == 0 || (c.side != sideBy && c.side != sideTo) {
		return cursor{}, refused
	}
	return c, nil
}

// in is where a page begins in the given generation. A cursor of another one means nothing there: after a rebuild pages
// begin again, and callers meet some shares twice but miss none.
func (c cursor) in(generation uint64) cursor {
	if c.generation != generation {
		return start(generation)
	}
	return c
}

// then is where to go on after a read on this side that ended at next, which is 0 at the end of the side; done is true
// when that was the last.
func (c cursor) then(next uint64) (_ cursor, done bool) {
	switch {
	case next != 0:
		c.from = next
	case c.side == sideBy:
		c.side, c.from = sideTo, 1
	default:
		return c, true
	}
	return c, false
}
