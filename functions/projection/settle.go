package projection

import (
	"context"

	"natster/functions/view"
)

// Position is the position of the log up to which the bucket reflects it.
func Position(ctx context.Context, views *view.Reader, b view.Bucket) (uint64, error) {
	s, err := views.Read(ctx, b, 0)
	return s.Position, err
}

// Settle returns when every bucket reflects the log up to position, or with [view.ErrBehind] when ctx ends first.
func Settle(ctx context.Context, views *view.Reader, position uint64, buckets ...view.Bucket) error {
	for _, b := range buckets {
		if _, err := views.Read(ctx, b, position); err != nil {
			return err
		}
	}
	return nil
}
