package api

import (
	"errors"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// Reply answers a request whose reply subject is to: with the envelope of data, or of err if that is not nil, and with
// the header, which may be nil. It publishes nothing if to is empty. A reply that does not fit into a message becomes
// an [ErrInternal] that says so, which Reply returns, too.
func Reply(nc *nats.Conn, to string, header nats.Header, data any, err error) error {
	if to == "" {
		return nil
	}
	answer := &nats.Msg{Subject: to, Header: header, Data: EncodeReply(data, err)}
	if err != nil {
		if answer.Header == nil {
			answer.Header = nats.Header{}
		}
		refusal, _ := Refusal(err)
		answer.Header.Set(micro.ErrorCodeHeader, strconv.Itoa(int(refusal.Code)))
	}
	err = nc.PublishMsg(answer)
	if errors.Is(err, nats.ErrMaxPayload) {
		err = Errorf(ErrInternal, "the reply of %d bytes does not fit into a message", len(answer.Data))
		return errors.Join(err, Reply(nc, to, nil, nil, err))
	}
	return err
}
