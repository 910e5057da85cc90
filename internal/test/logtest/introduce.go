package logtest

import (
	"context"

	"github.com/nats-io/nats.go"

	"natster/events"
)

// Introduce initializes the first n accounts in a log that lives, so that others can share with them. nc is of the
// account that owns JetStream.
func Introduce(ctx context.Context, nc *nats.Conn, n int) error {
	all := make([]events.Account, n)
	for i := range all {
		all[i] = Account(i)
	}
	return Initialize(ctx, nc, all...)
}

// Initialize is [Introduce] for accounts that somebody may have the keys of.
func Initialize(ctx context.Context, nc *nats.Conn, accounts ...events.Account) error {
	_, err := Fill(ctx, nc, func(yield func(events.Event) bool) {
		for _, a := range accounts {
			e := events.WithData(
				events.Event{ID: "introduced " + a.String(), Time: Begin, Type: events.Initialized, Origin: a},
				events.InitializedData{AccountID: a.Short(), AccountName: "stranger " + a.Short(), AccountKey: a})
			if !yield(e) {
				return
			}
		}
	})
	return err
}
