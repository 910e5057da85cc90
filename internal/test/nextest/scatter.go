package nextest

import (
	"errors"
	"time"

	"github.com/nats-io/nats.go"
)

// scatter makes one request and gives each reply to got, until got returns false, most came, or the time is up. That nobody
// hears it ends it at once.
func scatter(nc *nats.Conn, subject string, data []byte, most int, patience time.Duration, got func(*nats.Msg) bool) error {
	sub, err := nc.SubscribeSync(nc.NewRespInbox())
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := nc.PublishRequest(subject, sub.Subject, data); err != nil {
		return err
	}
	until := time.Now().Add(patience)
	for range most {
		m, err := sub.NextMsg(max(time.Until(until), time.Millisecond))
		switch {
		case errors.Is(err, nats.ErrNoResponders), errors.Is(err, nats.ErrTimeout):
			return nil
		case err != nil:
			return err
		case len(m.Data) == 0 && m.Header.Get("Status") == "503":
			return nil
		}
		if !got(m) {
			return nil
		}
	}
	return nil
}
