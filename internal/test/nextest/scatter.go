package nextest

import (
	"errors"
	"time"

	"github.com/nats-io/nats.go"
)

// scatter sends one request and calls got with each reply, until got returns false, limit replies have come, or the
// timeout is over. It returns at once if nothing is subscribed to the subject.
func scatter(
	nc *nats.Conn, subject string, data []byte, limit int, timeout time.Duration, got func(*nats.Msg) bool,
) error {
	sub, err := nc.SubscribeSync(nc.NewRespInbox())
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := nc.PublishRequest(subject, sub.Subject, data); err != nil {
		return err
	}
	until := time.Now().Add(timeout)
	for range limit {
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
