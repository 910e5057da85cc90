package stats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"natster/events"
	"natster/functions"
	"natster/functions/view"
)

// count is what is known of one catalog and of all.
type count struct {
	mark  view.OnlineMark
	total int64
}

// after is the count after a change of the catalog's presence; false if that is no news. A heartbeat of a catalog that is
// online is none, and so costs a read and no write.
func (c count) after(change functions.Change) (count, bool) {
	online := change.Op == functions.OpPut
	at := change.Time.UnixNano()
	if online == c.mark.Online || at <= c.mark.At {
		return c, false
	}
	c.mark = view.OnlineMark{Online: online, At: at}
	if online {
		c.total++
	} else {
		c.total--
	}
	return c, true
}

// patience bounds one read and write of the count.
const patience = 5 * time.Second

// observe counts a change of presence.
func (f *stats) observe(ctx context.Context, change functions.Change) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	const tries = 4 // an instance that was thought dead got in between: the next read shows what it did
	var err error
	for range tries {
		if err = f.tryObserve(ctx, change); !errors.Is(err, events.ErrConflict) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("count %s: %w", change.Key, err)
	}
	return nil
}

func (f *stats) tryObserve(ctx context.Context, change functions.Change) error {
	before, revisions, err := f.counted(ctx, view.OnlineMarkKey(change.Key))
	if err != nil {
		return err
	}
	after, news := before.after(change)
	if !news {
		return nil
	}
	mark, err := json.Marshal(after.mark)
	if err != nil {
		return err
	}
	_, err = events.PublishAtomic(ctx, f.host.JS, []*nats.Msg{
		put(view.OnlineMarkKey(change.Key), mark, revisions.mark),
		put(view.OnlineTotalKey, strconv.AppendInt(nil, after.total, 10), revisions.total),
	})
	return err
}

// reconcile counts the catalogs off that went offline unheard: the presence bucket keeps the marker of what expired no
// longer than anything else in it, and so the function may have been down for too long to hear of it. It happens once, at
// the start. A catalog that comes online in this moment may be counted off, until its next heartbeat.
func (f *stats) reconcile() error {
	const atMost, page = 30 * time.Second, 500
	ctx, cancel := context.WithTimeout(context.Background(), atMost)
	defer cancel()
	for from := uint64(1); ; {
		marks, err := f.host.Direct.Range(ctx, view.Online.Stream(), view.Online.Subject(view.OnlineMarkKey(">")), from, page)
		if err != nil || len(marks) == 0 {
			return err
		}
		from = marks[len(marks)-1].Sequence + 1
		since := make(map[string]int64)
		for _, m := range marks {
			var mark view.OnlineMark
			if err := json.Unmarshal(m.Data, &mark); err != nil {
				return fmt.Errorf("%s: %w", m.Subject, err)
			}
			if mark.Online {
				since[view.OnlineMarked(view.Online.Key(m.Subject))] = mark.At
			}
		}
		if len(since) == 0 {
			continue
		}
		present, err := f.host.Views.Entries(ctx, view.Presence, slices.Collect(maps.Keys(since))...)
		if err != nil {
			return err
		}
		for _, p := range present {
			delete(since, p.Key)
		}
		for key, at := range since {
			if err := f.observe(ctx, functions.Change{Key: key, Op: functions.OpExpired, Time: time.Unix(0, at+1)}); err != nil {
				return err
			}
		}
	}
}

type revisions struct{ mark, total uint64 }

// counted reads the total, and the mark if its key is given, from one state of the bucket.
func (f *stats) counted(ctx context.Context, markKey ...string) (c count, r revisions, err error) {
	found, err := f.host.Views.Entries(ctx, view.Online, append(markKey, view.OnlineTotalKey)...)
	if err != nil {
		return c, r, err
	}
	for _, e := range found {
		if e.Key == view.OnlineTotalKey {
			r.total = e.Revision
			c.total, err = strconv.ParseInt(string(e.Value), 10, 64)
		} else {
			r.mark = e.Revision
			err = json.Unmarshal(e.Value, &c.mark)
		}
		if err != nil {
			return c, r, fmt.Errorf("%s: %w", e.Key, err)
		}
	}
	return c, r, nil
}

// put is a put on condition that the key is still of that revision.
func put(key string, value []byte, revision uint64) *nats.Msg {
	return &nats.Msg{
		Subject: view.Online.Subject(key),
		Header:  nats.Header{jetstream.ExpectedLastSubjSeqHeader: {strconv.FormatUint(revision, 10)}},
		Data:    value,
	}
}
