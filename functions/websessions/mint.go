package websessions

import (
	"fmt"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"natster/events"
)

// mint returns the JWT of a user of account a whose key is user, signed by a scoped signing key of the account. It says
// nothing of permissions: those are the scope's.
func mint(a events.Account, signer nkeys.KeyPair, user string, expires time.Time) (string, error) {
	c := jwt.NewUserClaims(user)
	c.Name = "web"
	c.IssuerAccount = a.String()
	c.Expires = expires.Unix()
	c.SetScoped(true)
	token, err := c.Encode(signer)
	if err != nil {
		return "", fmt.Errorf("%w: sign a user: %w", ErrKey, err)
	}
	return token, nil
}
