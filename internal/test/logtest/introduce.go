package logtest

import (
	"context"
	"fmt"
	"iter"

	"github.com/nats-io/nats.go"

	"natster/events"
)

// Introduce initializes the first n accounts in a log that lives, so that others can share with them. nc is of the
// account that owns JetStream.
func Introduce(ctx context.Context, nc *nats.Conn, n int) error {
	_, err := Fill(ctx, nc, Introductions(n))
	return err
}

// Introductions are the events by which the first n accounts become initialized.
func Introductions(n int) iter.Seq[events.Event] {
	return func(yield func(events.Event) bool) {
		for i := range n {
			a := Account(i)
			e := events.WithData(
				events.Event{ID: fmt.Sprint("introduced", i), Time: Begin, Type: events.Initialized, Origin: a},
				events.InitializedData{
					AccountID: fmt.Sprint("id", i), AccountName: fmt.Sprint("stranger ", i), AccountKey: a,
				})
			if !yield(e) {
				return
			}
		}
	}
}
