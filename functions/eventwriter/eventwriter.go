package eventwriter

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/nats-io/nuid"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
	"natster/internal/backoff"
	"natster/internal/jet"
	"natster/internal/limiter"
)

// tries is how often a command is decided anew because another writer was faster. Each time one of the writers wins,
// and most commands are settled by another's win (it is already shared), so that few are ever needed.
const tries = 8

// Config is what eventwriter has to know of the deployment.
type Config struct {
	Reserved events.Reservation // the name by which only the hub shares a catalog
}

type writer struct {
	functions.NoClose
	cfg    Config
	log    *events.Log
	now    func() time.Time
	logger *slog.Logger

	perSecond      int64                              // of the allowances
	puts, unshares *limiter.Allowance[events.Account] // apart: no flood of an account stands before its unshare

	totals *totals

	accounts, shares, catalogs *view.Follower // what a caller's next request reads
}

// New returns the function.
func New(cfg Config) functions.Function {
	return functions.Function{
		Name: "eventwriter",
		Doc:  "decides commands against the event log and appends the events that follow",
		Triggers: []functions.Trigger{
			functions.Request(api.Put, (*writer).put),
			functions.Request(api.PutWeb, (*writer).putWeb),
			functions.Request(api.PutInternal("*", "*"), (*writer).putInternal),
			functions.Request(api.LastPosition, (*writer).lastPosition),
		},
		Access: functions.Access{AppendsLog: true, Reads: []view.Bucket{view.Accounts, view.Shares, view.Catalogs}},
		New: func(_ context.Context, h functions.Host) (functions.Instance, error) {
			return &writer{
				cfg: cfg, perSecond: h.Limits.Changes, log: h.Log, now: h.Now, logger: h.Logger,
				puts:     limiter.NewAllowance[events.Account](h.Limits.Changes, h.Limits.ChangesAtOnce),
				totals:   newTotals(h),
				unshares: limiter.NewAllowance[events.Account](h.Limits.Changes, h.Limits.ChangesAtOnce),
				accounts: view.NewFollower(h.Views, view.Accounts),
				shares:   view.NewFollower(h.Views, view.Shares),
				catalogs: view.NewFollower(h.Views, view.Catalogs),
			}, nil
		},
	}
}

func (w *writer) put(ctx context.Context, call *functions.Call, q api.PutRequest) (api.PutReply, error) {
	c, err := fromClient(call.From, q)
	if err != nil {
		return api.PutReply{}, err
	}
	if err := w.admit(c); err != nil {
		return api.PutReply{}, err
	}
	position, err := w.carryOut(ctx, call, c)
	if err != nil {
		return api.PutReply{}, err
	}
	switch c.Type {
	case events.Initialized:
		call.Settle(ctx, position, w.accounts)
	case events.Shared: // and a heartbeat may follow
		call.Settle(ctx, position, w.shares, w.catalogs)
	default:
		call.Settle(ctx, position, w.shares)
	}
	return api.PutReply{}, nil
}

// putWeb is put for web sessions, whose permissions let them put by it only.
func (w *writer) putWeb(ctx context.Context, call *functions.Call, q api.PutRequest) (api.PutReply, error) {
	switch events.Type(q.EventType) {
	case events.Unshared, events.Imported:
		return w.put(ctx, call, q)
	}
	return api.PutReply{}, api.Errorf(api.ErrForbidden, "a web session only takes shares back and notes imports: "+
		"share in a terminal, with natster catalog share")
}

// admit refuses a command of an account that has asked for too many lately.
func (w *writer) admit(c Command) error {
	allowed := w.puts
	if c.Type == events.Unshared {
		allowed = w.unshares
	}
	if wait := allowed.Take(c.Origin, w.now()); wait > 0 {
		return api.Later(api.ErrTooMany, wait,
			"too many changes from this account: %d a second are carried out", w.perSecond)
	}
	return nil
}

func (w *writer) putInternal(ctx context.Context, call *functions.Call, q api.PutRequest) (api.PutReply, error) {
	c, err := fromFunction(call.Subject, q)
	if err != nil {
		return api.PutReply{}, err
	}
	if c.Type == events.Initialized && c.Origin != w.cfg.Reserved.For {
		return api.PutReply{}, api.Errorf(api.ErrBadRequest, "functions initialize the hub's account only")
	}
	_, err = w.carryOut(ctx, call, c)
	return api.PutReply{}, err
}

// lastPosition says how far the log is as to the caller, from the log itself.
func (w *writer) lastPosition(ctx context.Context, call *functions.Call, _ api.None) (api.None, error) {
	position, err := w.log.LastOf(ctx, call.From)
	if err != nil {
		w.logger.Error("the event log does not answer", "account", call.From, "err", err)
		return api.None{}, api.Errorf(api.ErrUnavailable, "the event log does not answer: try again")
	}
	call.Reflects(position)
	return api.None{}, nil
}

func (w *writer) carryOut(ctx context.Context, call *functions.Call, c Command) (uint64, error) {
	if c.Type == events.Shared && w.cfg.Reserved.Bars(c.Origin, c.Catalog) {
		return 0, api.Errorf(api.ErrConflict,
			"only the hub has a catalog called %s: choose another name", w.cfg.Reserved.Catalog)
	}
	for range tries {
		position, err := w.try(ctx, c, call.MinPosition)
		if errors.Is(err, jet.ErrConflict) {
			continue
		}
		if err != nil {
			return 0, err
		}
		call.Reflects(position)
		return position, nil
	}
	return 0, api.Errorf(api.ErrUnavailable, "%s: too many others change the same at once: try again", c.Type)
}

// try reads, at least what the caller has seen, decides and appends. [jet.ErrConflict] says that another writer got in
// between.
func (w *writer) try(ctx context.Context, c Command, least uint64) (uint64, error) {
	if c.Type == events.Initialized { // what ought not to be there is not waited for: the append's condition decides
		least = 0
	}
	f, err := w.learn(ctx, c, least)
	if err == nil && f.lacksTarget(c) && backoff.Sleep(ctx, lag) == nil {
		f, err = w.learn(ctx, c, least)
	}
	if err != nil {
		return 0, w.unavailable(c, err)
	}
	d, err := Decide(c, f)
	if err != nil {
		return 0, err
	}
	if d.Append == nil {
		return d.Already, nil
	}
	if c.Type == events.Shared && c.Origin != w.cfg.Reserved.For { // who shares with everybody
		if err := w.totals.admit(ctx, c); err != nil {
			return 0, err
		}
	}
	d.Append.Event.ID, d.Append.Event.Time = nuid.Next(), w.now().UTC()
	position, err := w.log.Append(ctx, *d.Append)
	switch {
	case err == nil:
		w.totals.happened(c)
	case !errors.Is(err, jet.ErrConflict):
		return 0, w.unavailable(c, err)
	}
	return position, err
}

// lag is how long a server that answers a read may be behind another, where the log is on several: a caller may have
// been told of an account that it was initialized just now.
const lag = 250 * time.Millisecond

// learn reads the facts from a state of the log that has at least the position.
func (w *writer) learn(ctx context.Context, c Command, least uint64) (f Facts, err error) {
	last, err := w.log.LastSince(ctx, least, c.Filters()...)
	for _, e := range last {
		f.Learn(c, e)
	}
	return f, err
}

// unavailable says that the log did not answer: the command may be repeated, whether or not it was carried out. Why is
// for the operator.
func (w *writer) unavailable(c Command, err error) error {
	if errors.Is(err, events.ErrEvent) {
		return err
	}
	w.logger.Error("the event log does not answer", "account", c.Origin, "type", c.Type, "err", err)
	return api.Errorf(api.ErrUnavailable, "%s was not acknowledged by the event log: try again", c.Type)
}
