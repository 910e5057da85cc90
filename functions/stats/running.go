package stats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"natster/functions"
	"natster/functions/view"
	"natster/internal/jet"
)

// count is what is known of one catalog and of all.
type count struct {
	mark  view.OnlineMark
	total int64
}

// after is the count after a change of the catalog's presence; false if that changes nothing, as a heartbeat of a
// catalog that is online does: it costs a read and no write.
func (c count) after(change functions.Change) (count, bool) {
	online := !change.Gone
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

// countTimeout bounds one read and write of the count.
const countTimeout = 5 * time.Second

// observe counts a change of presence.
func (f *stats) observe(ctx context.Context, change functions.Change) error {
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	const tries = 4 // an instance that was thought dead got in between: the next read shows what it did
	var err error
	for range tries {
		if err = f.tryObserve(ctx, change); !errors.Is(err, jet.ErrConflict) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("count %s: %w", change.Key, err)
	}
	return nil
}

func (f *stats) tryObserve(ctx context.Context, change functions.Change) error {
	before, err := f.counted(ctx, change.Key)
	if err != nil {
		return err
	}
	after, news := before.count().after(change)
	if !news {
		return nil
	}
	// The mark before goes under its own key before the total forgets it: so mark and number change in one put.
	if before.PresenceKey != "" && before.PresenceKey != change.Key {
		if err := f.keep(ctx, before.PresenceKey, before.Mark); err != nil {
			return err
		}
	}
	total, err := json.Marshal(view.OnlineTotal{Total: after.total, PresenceKey: change.Key, Mark: after.mark})
	if err != nil {
		return err
	}
	return view.Replace(ctx, f.host.JS, view.Online, view.OnlineTotalKey, total, before.revision)
}

// keep stores a catalog's mark unless it has a later one.
func (f *stats) keep(ctx context.Context, presenceKey string, mark view.OnlineMark) error {
	s, err := f.counted(ctx, presenceKey)
	if err != nil || s.mark.At >= mark.At {
		return err
	}
	value, err := json.Marshal(mark)
	if err != nil {
		return err
	}
	var lives []jetstream.PublishOpt
	if !mark.Online {
		lives = append(lives, jetstream.WithMsgTTL(view.OfflineMarkTTL))
	}
	return view.Replace(ctx, f.host.JS, view.Online, view.OnlineMarkKey(presenceKey), value, s.markRevision, lives...)
}

// A standing is what the bucket says of one catalog and of all.
type standing struct {
	view.OnlineTotal
	revision uint64

	presenceKey  string
	mark         view.OnlineMark // under the catalog's own key
	markRevision uint64
}

// count is the standing with the mark that counts: the one beside the total is the latest of its catalog.
func (s standing) count() count {
	if s.PresenceKey == s.presenceKey {
		return count{s.Mark, s.Total}
	}
	return count{s.mark, s.Total}
}

// counted reads the total, and the mark if its presence key is given, from one state of the bucket.
func (f *stats) counted(ctx context.Context, presenceKey ...string) (s standing, err error) {
	keys := []string{view.OnlineTotalKey}
	for _, s.presenceKey = range presenceKey {
		keys = append(keys, view.OnlineMarkKey(s.presenceKey))
	}
	found, err := f.host.Views.Entries(ctx, view.Online, keys...)
	if err != nil {
		return s, err
	}
	for _, e := range found {
		if e.Key == view.OnlineTotalKey {
			s.revision = e.Revision
			err = json.Unmarshal(e.Value, &s.OnlineTotal)
		} else {
			s.markRevision = e.Revision
			err = json.Unmarshal(e.Value, &s.mark)
		}
		if err != nil {
			return s, fmt.Errorf("%s: %w", e.Key, err)
		}
	}
	return s, nil
}
