package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/internal/backoff"
)

// DefaultTimeout bounds a request whose context has no deadline.
const DefaultTimeout = 10 * time.Second

// A Client asks the functions as the account of its connection. It reads its own writes: after a put, its queries wait
// for the projections to reflect it. It is safe for concurrent use.
type Client struct {
	nc       *nats.Conn
	position atomic.Uint64
	notice   atomic.Pointer[string]
}

// NewClient returns a client over nc, which stays the caller's to close.
func NewClient(nc *nats.Conn) *Client { return &Client{nc: nc} }

// Position is the highest log position that this client has seen: what its queries will at least reflect.
func (c *Client) Position() uint64 { return c.position.Load() }

// Observe raises the position that queries must reflect, for instance to one heard from the feed.
func (c *Client) Observe(position uint64) {
	for {
		old := c.position.Load()
		if position <= old || c.position.CompareAndSwap(old, position) {
			return
		}
	}
}

// Notice is what the last answer said, beside what it was asked, about the world as it is just now: a sentence for a
// person, or empty.
func (c *Client) Notice() string {
	if s := c.notice.Load(); s != nil {
		return *s
	}
	return ""
}

// Call sends q to e and waits for the answer. Errors are an [Error] as the function sent it, or [ErrUnavailable] when
// no function answers, which is [nats.ErrNoResponders], too, if none is there. A function that says to come back very
// soon is asked once more.
func Call[Q, A any](ctx context.Context, c *Client, e Endpoint[Q, A], q Q) (A, error) {
	a, _, err := call(ctx, c, e, q)
	return a, err
}

func call[Q, A any](ctx context.Context, c *Client, e Endpoint[Q, A], q Q) (a A, h nats.Header, err error) {
	m := &nats.Msg{Subject: e.Subject(), Header: nats.Header{}}
	if m.Data, err = e.Encode(q); err != nil {
		return a, nil, err
	}
	m.Header.Set(HeaderMinPosition, strconv.FormatUint(c.position.Load(), 10))
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, DefaultTimeout)
		defer cancel()
	}
	a, h, err = once(ctx, c, e, m)
	if ComeBack(ctx, err) {
		return once(ctx, c, e, m)
	}
	return a, h, err
}

// ComeBack reports whether a request that ended with err is to be sent again now: it was told to come back within a
// time that a person hardly notices, and has waited that long.
func ComeBack(ctx context.Context, err error) bool {
	const (
		longest = 2 * time.Second
		answer  = 500 * time.Millisecond // what must be left of the context's time: a refusal says more than a timeout
	)
	refusal, is := errors.AsType[*Error](err)
	if !is || refusal.RetryAfter == 0 || refusal.RetryAfter > longest {
		return false
	}
	if end, bounded := ctx.Deadline(); bounded && time.Until(end) < refusal.RetryAfter+answer {
		return false
	}
	return backoff.Sleep(ctx, refusal.RetryAfter) == nil
}

func once[Q, A any](ctx context.Context, c *Client, e Endpoint[Q, A], m *nats.Msg) (a A, h nats.Header, err error) {
	r, err := c.nc.RequestMsgWithContext(ctx, m)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return a, nil, &Error{Code: CodeUnavailable, cause: nats.ErrNoResponders, Message: "nobody answers " + e.Name +
			": the functions are not running, or this account does not import them"}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
		return a, nil, Errorf(ErrUnavailable, "%s: no answer in time", e.Name)
	case err != nil:
		return a, nil, fmt.Errorf("%s: %w", e.Name, err)
	}
	a, err = e.decodeReply(r.Data)
	if err != nil {
		return a, r.Header, withRetryAfter(err, r.Header)
	}
	if p, err := strconv.ParseUint(r.Header.Get(HeaderPosition), 10, 64); err == nil {
		c.Observe(p)
	}
	notice := r.Header.Get(HeaderNotice)
	c.notice.Store(&notice)
	return a, r.Header, nil
}

// Whoami returns what the functions know of this account; [ErrNotFound] before it is initialized.
func (c *Client) Whoami(ctx context.Context) (Identity, error) { return Call(ctx, c, Whoami, None{}) }

// introductionTimeout bounds [Client.Introduced].
const introductionTimeout = 10 * time.Second

// Introduced is [Client.Whoami] right after [Client.Initialize]: an original service answers a put before its
// projections know of it, so that for a while, bounded, it may not.
func (c *Client) Introduced(ctx context.Context) (Identity, error) {
	pause := backoff.Doubling(20*time.Millisecond, time.Second)
	end := time.Now().Add(introductionTimeout)
	for attempt := 1; ; attempt++ {
		known, err := c.Whoami(ctx)
		if err == nil && known.Account.IsZero() { // it has nothing to say yet
			err = Errorf(ErrNotFound, "the account was introduced, and is not known yet: try again")
		}
		if !errors.Is(err, ErrNotFound) || time.Now().Add(pause(attempt)).After(end) {
			return known, err
		}
		if err := backoff.Sleep(ctx, pause(attempt)); err != nil {
			return known, err
		}
	}
}

// Totals returns the running totals over all accounts.
func (c *Client) Totals(ctx context.Context) (Totals, error) { return Call(ctx, c, Stats, None{}) }

// Initialize introduces account me, which must be this connection's; [ErrBadRequest] when it has been introduced
// before.
func (c *Client) Initialize(ctx context.Context, me events.Account, id, name string) error {
	data, err := json.Marshal(events.InitializedData{AccountID: id, AccountName: name, AccountKey: me})
	if err != nil {
		return err
	}
	return c.put(ctx, PutRequest{
		Catalog: events.None, Target: events.None, EventType: string(events.Initialized), Data: data,
	})
}

// Share lets target import catalog. Sharing what is shared changes nothing and is not an error.
func (c *Client) Share(ctx context.Context, catalog events.Catalog, target events.Account) error {
	return c.put(ctx, about(events.Shared, catalog, target))
}

// Unshare takes a share back; running transfers end. Unsharing what is not shared changes nothing and is not an error.
func (c *Client) Unshare(ctx context.Context, catalog events.Catalog, target events.Account) error {
	return c.put(ctx, about(events.Unshared, catalog, target))
}

// Imported records that this account imported the catalog that owner shares with it; [ErrForbidden] when it does not.
func (c *Client) Imported(ctx context.Context, catalog events.Catalog, owner events.Account) error {
	return c.put(ctx, about(events.Imported, catalog, owner))
}

func about(t events.Type, catalog events.Catalog, target events.Account) PutRequest {
	return PutRequest{Catalog: catalog.String(), Target: target.String(), EventType: string(t)}
}

func (c *Client) put(ctx context.Context, q PutRequest) error {
	_, err := Call(ctx, c, Put, q)
	return err
}

// Shares returns all shares by and to this account, each once, however many: it asks page by page where one reply does
// not hold them.
func (c *Client) Shares(ctx context.Context) ([]Share, error) {
	type edge struct {
		from, to events.Account
		catalog  events.Catalog
	}
	var all []Share
	seen := make(map[edge]int)
	var q SharesRequest
	for {
		page, h, err := call(ctx, c, MyShares, q)
		if err != nil {
			return nil, err
		}
		for _, s := range page {
			k := edge{s.From, s.To, s.Catalog}
			if i, again := seen[k]; again {
				all[i] = s // it changed while we paged
				continue
			}
			seen[k] = len(all)
			all = append(all, s)
		}
		if q.After = h.Get(HeaderNext); q.After == "" {
			return all, nil
		}
	}
}

// LastPosition returns the position of the last event that this account caused, be it by another client, or 0 if there
// is none; later queries reflect it. If no function of the world can say, as an original's, the error is both
// [ErrUnavailable] and [nats.ErrNoResponders].
func (c *Client) LastPosition(ctx context.Context) (uint64, error) {
	_, h, err := call(ctx, c, LastPosition, None{})
	if err != nil || h.Get(HeaderPosition) == "" {
		return 0, err
	}
	position, err := strconv.ParseUint(h.Get(HeaderPosition), 10, 64)
	if err != nil {
		return 0, Errorf(ErrInternal, "%s: %q is not a position", LastPosition.Name, h.Get(HeaderPosition))
	}
	return position, nil
}

// Names returns what accounts call themselves, those that chose to be known to this one: see [Names].
func (c *Client) Names(ctx context.Context, accounts ...events.Account) (map[events.Account]string, error) {
	all := make(map[events.Account]string)
	for some := range slices.Chunk(accounts, MaxNames) {
		names, err := Call(ctx, c, Names, NamesRequest{Accounts: some})
		if err != nil {
			return nil, err
		}
		maps.Copy(all, names)
	}
	return all, nil
}

// ValidateName reports whether this account may share a catalog called name.
func (c *Client) ValidateName(ctx context.Context, name string) (NameVerdict, error) {
	return Call(ctx, c, ValidateName, Text(name))
}

// GenerateCode returns a one-time code that a website can claim for this account.
func (c *Client) GenerateCode(ctx context.Context, about Context) (OneTimeCode, error) {
	return Call(ctx, c, GenerateCode, about)
}

// ClaimCode returns the context bound to code and binds it to the login; only the site's account may.
func (c *Client) ClaimCode(ctx context.Context, code, oauthID string) (Context, error) {
	return Call(ctx, c, ClaimCode, Claim{Code: code, OAuthID: oauthID})
}

// GetContext returns the context bound to a login; only the site's account may.
func (c *Client) GetContext(ctx context.Context, oauthID string) (BoundContext, error) {
	return Call(ctx, c, GetContext, Text(oauthID))
}

// Heartbeat says that a catalog of this account is being served. It is not acknowledged.
func (c *Client) Heartbeat(h Heartbeat) error {
	body, err := PutHeartbeat.Encode(h)
	if err != nil {
		return err
	}
	return c.nc.Publish(PutHeartbeat.Subject(), body)
}
