package eventwriter

import (
	"context"
	"errors"
	"sync"
	"time"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
)

// totals counts what accounts share, so that none fills what all accounts share. An account is counted when it shares
// something, and from then on as this instance shares and takes back for it; after countedFor it is counted anew. So an
// account with several instances to ask, or with a projection that is behind, may get a little more than its limits.
type totals struct {
	views  *view.Reader
	now    func() time.Time
	limits functions.Limits

	mu       sync.Mutex
	accounts map[events.Account]*total
	swept    time.Time
}

// total is what one account shares: with how many others, by catalog.
type total struct {
	mu      sync.Mutex
	counted bool
	shares  int
	with    map[events.Catalog]int
}

// countedFor is how long a count is good.
const countedFor = time.Minute

func newTotals(h functions.Host) *totals {
	return &totals{views: h.Views, now: h.Now, limits: h.Limits, accounts: make(map[events.Account]*total)}
}

// admit returns an [api.ErrTooMany] if the account shares as much as it may, and this would be more. While it cannot be
// known how much that is, nothing is refused: the log can be written without projections.
func (t *totals) admit(ctx context.Context, c Command) error {
	of := t.of(c.Origin)
	of.mu.Lock()
	defer of.mu.Unlock()
	if !of.counted {
		if err := of.count(ctx, t.views, c.Origin, int(t.limits.Shares)); err != nil {
			return ctx.Err()
		}
		of.counted = true
	}
	switch {
	case of.shares >= int(t.limits.Shares):
		return api.Errorf(api.ErrTooMany, "this account has %d shares, and no more may be in force: take one back, "+
			"or ask the operator of this world for more (natster admin limits)", of.shares)
	case of.with[c.Catalog] == 0 && len(of.with) >= int(t.limits.Catalogs):
		return api.Errorf(api.ErrTooMany, "this account shares %d catalogs, and no more may be shared: take one back, "+
			"or ask the operator of this world for more (natster admin limits)", len(of.with))
	}
	return nil
}

// happened notes that c was carried out.
func (t *totals) happened(c Command) {
	of := t.of(c.Origin)
	of.mu.Lock()
	defer of.mu.Unlock()
	switch {
	case !of.counted:
	case c.Type == events.Shared:
		of.shares++
		of.with[c.Catalog]++
	case c.Type == events.Unshared && of.with[c.Catalog] > 0:
		of.shares--
		if of.with[c.Catalog]--; of.with[c.Catalog] == 0 {
			delete(of.with, c.Catalog)
		}
	}
}

// of returns the account's total, and forgets, now and then, all that were counted: so none is kept for longer than
// countedFor.
func (t *totals) of(a events.Account) *total {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := t.now(); now.Sub(t.swept) > countedFor {
		t.swept = now
		clear(t.accounts)
	}
	of := t.accounts[a]
	if of == nil {
		of = new(total)
		t.accounts[a] = of
	}
	return of
}

// count counts the shares of owner that are in force, up to a few more than most.
func (of *total) count(ctx context.Context, views *view.Reader, owner events.Account, most int) error {
	const page = 500
	checkpoint, err := views.Read(ctx, view.Shares, 0)
	if err != nil {
		return err
	}
	of.shares, of.with = 0, make(map[events.Catalog]int)
	for from := uint64(1); from != 0 && of.shares < most; {
		var found []view.Found
		found, from, err = views.Page(ctx, view.Shares, checkpoint.Generation, view.SharesBy(owner), from, page)
		if err != nil {
			return err
		}
		for s, bad := range view.SharesIn(found) {
			if bad != nil {
				err = errors.Join(err, bad)
				continue
			}
			of.shares++
			of.with[s.Catalog]++
		}
	}
	return err
}
