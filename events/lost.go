package events

import (
	"context"
	"errors"
	"fmt"

	"natster/internal/jet"
)

// ErrLost is what every [Lost] is: events that the log had and cannot read any more. Nothing in the log is ever
// deleted, so a position that is missing before one that is there was lost, by a disk for instance.
var ErrLost = errors.New("events are lost")

// A Lost says which positions of the log, From to To inclusive, were lost.
type Lost struct{ From, To uint64 }

// Error says which positions.
func (l *Lost) Error() string {
	if l.From == l.To {
		return fmt.Sprintf("the event at position %d of the log is lost", l.From)
	}
	return fmt.Sprintf("the events at positions %d to %d of the log are lost", l.From, l.To)
}

// Is makes every Lost an [ErrLost].
func (l *Lost) Is(target error) bool { return target == ErrLost }

// rereads is how often a position that is missing is asked for again: another server of a replicated log, which still
// has it, may answer the next time.
const rereads = 6

// read reads up to limit messages of the log from position from on, as [jet.Direct.Range] does.
func (l *Log) read(ctx context.Context, from uint64, limit int) ([]jet.Message, error) {
	return l.direct.Range(ctx, LogStream, "", from, limit)
}

// Reread reads the positions from to to inclusive again, which a read has passed over. It calls fn in order, with each
// message that some server has after all, or with what no server has; an error of fn ends it.
func (l *Log) Reread(ctx context.Context, from, to uint64, fn func(jet.Message, *Lost) error) error {
	const page = 4096
	for at := from; at <= to; {
		var got []jet.Message
		for range rereads {
			var err error
			if got, err = l.read(ctx, at, int(min(to-at+1, page))); err != nil {
				return err
			}
			if len(got) > 0 && got[0].Sequence == at {
				break
			}
		}
		next := to + 1
		var err error
		switch {
		case len(got) > 0:
			next = min(next, got[0].Sequence)
		case at < to:
			if next, err = l.readable(ctx, at, to); err != nil {
				return err
			}
		}
		if next > at {
			if err := fn(jet.Message{}, &Lost{at, next - 1}); err != nil {
				return err
			}
			at = next
		}
		for _, m := range got {
			if m.Sequence != at || at > to {
				break
			}
			if err := fn(m, nil); err != nil {
				return err
			}
			at++
		}
	}
	return nil
}

// readable returns the first position after at, where a read finds nothing, from which one finds something, or to+1. A
// server that cannot open a block of the log says the same as at the end of it.
func (l *Log) readable(ctx context.Context, at, to uint64) (uint64, error) {
	bad, good := at, to+1
	for step := uint64(1); bad+step <= to; step *= 2 {
		got, err := l.read(ctx, bad+step, 1)
		if err != nil {
			return 0, err
		}
		if len(got) > 0 {
			good = min(good, got[0].Sequence)
			break
		}
		bad += step
	}
	for bad+1 < good {
		middle := bad + (good-bad)/2
		got, err := l.read(ctx, middle, 1)
		if err != nil {
			return 0, err
		}
		if len(got) > 0 {
			good = middle // if something is missing there as well, it is reported with this
		} else {
			bad = middle
		}
	}
	return good, nil
}
