package accounts

import (
	"context"
	"strconv"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

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

// EditForeign edits an account whose JWT another operator has signed, and says something that cannot be.
func (o *Operator) EditForeign(ctx context.Context, a events.Account) error {
	r, claims, err := o.read(a)
	if err != nil {
		return err
	}
	another, err := newKey(nkeys.CreateOperator)
	if err != nil {
		return err
	}
	claims.Limits.Exports = 0
	if r.JWT, err = claims.Encode(another.pair); err != nil {
		return err
	}
	if err := o.keys.putAccount(r); err != nil {
		return err
	}
	_, err = o.change(ctx, a, func(*record, *jwt.AccountClaims) error { return nil })
	return err
}
