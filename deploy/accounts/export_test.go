package accounts

import (
	"context"
	"strconv"

	"github.com/nats-io/jwt/v2"

	"natster/events"
)

// ImportMany makes the account's JWT n imports larger.
func (o *Operator) ImportMany(ctx context.Context, importer, owner events.Account, n int) error {
	_, err := o.change(ctx, importer, func(_ *record, c *jwt.AccountClaims) error {
		for i := range n {
			name := "natster.media.c" + strconv.Itoa(i) + ".*"
			c.Imports.Add(&jwt.Import{
				Type: jwt.Stream, Account: owner.String(), Name: name,
				Subject: jwt.Subject(importer.String() + "." + name), LocalSubject: jwt.RenamingSubject(name),
			})
		}
		return nil
	})
	return err
}
