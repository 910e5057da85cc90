package queries

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
	"natster/internal/jet"
)

const (
	maxShareSize = 352  // bytes of the longest share as JSON, its comma included
	replyMargin  = 4096 // bytes of a message that are not shares: envelope, headers, the reply's subject

	maxInPage   = 1000
	maxInRead   = 128 // of one page: the server answers a read in one go, and the function's other reads after it
	maxReads    = 16  // of one page: deleted documents make pages thin, but not endless
	onlineChunk = 500 // keys of one read of presence: well below jet.MaxLast and the largest message
)

// myShares answers with everything, as existing clients expect it, where it fits into one reply, and with the first
// page and a cursor where not.
func (f *queries) myShares(ctx context.Context, call *functions.Call, q api.SharesRequest) ([]api.Share, error) {
	fit := fitting(f.payload())
	switch {
	case q.Limit < 0:
		return nil, api.Errorf(api.ErrBadRequest, "limit: %d is negative", q.Limit)
	case q.After != "":
		at, err := parseCursor(q.After)
		if err != nil {
			return nil, err
		}
		return f.page(ctx, call, at, pageSize(q.Limit, fit))
	case q.Limit > 0:
		return f.page(ctx, call, cursor{}, pageSize(q.Limit, fit))
	}
	s, err := call.Read(ctx, view.Shares, view.SharesBy(call.From), view.SharesTo(call.From))
	if errors.Is(err, jet.ErrTooMany) || err == nil && len(s.Found) > fit {
		return f.page(ctx, call, cursor{}, pageSize(0, fit))
	}
	if err != nil {
		return nil, err
	}
	return f.online(ctx, s.Found)
}

// fitting is how many shares surely fit into one message.
func fitting(payload int64) int {
	return max(1, int((payload-replyMargin)/maxShareSize))
}

// pageSize is how many shares a page has at most; limit 0 asks for as many as fit.
func pageSize(limit, fit int) int {
	most := min(fit, maxInPage)
	if limit > 0 {
		most = min(most, limit)
	}
	return most
}

// page answers with up to most shares from at on, and with the cursor of what is left.
func (f *queries) page(ctx context.Context, call *functions.Call, at cursor, most int) ([]api.Share, error) {
	before, err := call.Read(ctx, view.Shares)
	if err != nil {
		return nil, err
	}
	for range 2 { // once, and once more if a rebuild took the documents away from under it
		var found []view.Found
		at, done := at.in(before.Generation), false
		for reads := 0; !done && len(found) < most && reads < maxReads; reads++ {
			pattern := view.SharesBy(call.From)
			if at.side == sideTo {
				pattern = view.SharesTo(call.From)
			}
			some, next, err := f.views.Page(ctx, view.Shares, at.generation, pattern, at.from,
				min(maxInRead, most-len(found)))
			if err != nil {
				return nil, err
			}
			found = append(found, some...)
			at, done = at.then(next)
		}
		after, err := f.views.Read(ctx, view.Shares, 0)
		if err != nil {
			return nil, err
		}
		if after.Generation != before.Generation {
			before = after
			continue
		}
		call.Reflects(before.Position)
		if !done {
			call.Next(at.String())
		}
		return f.online(ctx, found)
	}
	return nil, api.Later(api.ErrUnavailable, time.Second, "the shares are being rebuilt")
}

// online returns the shares in documents, with what is known of their catalogs' presence; never nil, because JSON then
// says null.
func (f *queries) online(ctx context.Context, found []view.Found) ([]api.Share, error) {
	shares := make([]api.Share, 0, len(found))
	for s, err := range view.SharesIn(found) {
		if err != nil {
			return nil, err
		}
		shares = append(shares, api.Share{From: s.From, To: s.To, Catalog: s.Catalog, Imported: s.Imported})
	}
	seen := make(map[string]int64)
	for keys := range slices.Chunk(presenceKeys(shares), onlineChunk) {
		beats, err := f.views.Entries(ctx, view.Presence, keys...)
		if err != nil {
			return nil, err
		}
		for _, d := range beats {
			var h api.Heartbeat
			if err := json.Unmarshal(d.Value, &h); err != nil {
				f.log.Warn("a heartbeat that cannot be read was passed over", "key", d.Key, "err", err)
				continue
			}
			seen[d.Key] = h.Revision
		}
	}
	for i := range shares {
		s := &shares[i]
		s.Revision, s.Online = seen[view.PresenceKey(s.From, s.Catalog)]
	}
	return shares, nil
}

// presenceKeys are the keys under which the shares' catalogs would be online, each once.
func presenceKeys(shares []api.Share) []string {
	known := make(map[string]bool, len(shares))
	keys := make([]string, 0, len(shares))
	for _, s := range shares {
		if k := view.PresenceKey(s.From, s.Catalog); !known[k] {
			known[k] = true
			keys = append(keys, k)
		}
	}
	return keys
}
