package api

import (
	"cmp"
	"encoding/json"
	"unicode/utf8"

	"natster/events"
)

// None is the request or the reply data of an endpoint that has none.
type None struct{}

// Text is a request that travels as plain text, not as JSON.
type Text string

// An Endpoint is one thing that can be asked of the functions: its name, and the types of request Q and reply data A.
type Endpoint[Q, A any] struct {
	Name     string // what [events.GlobalSubject], or [events.InternalSubject], makes a subject of
	Internal bool   // only for other functions: no account can import it
	Writes   bool   // may change what the world keeps: refused with [ErrFull] while its disk is full
	Max      int    // bytes of the largest request; 0 is [MaxRequest]
	Weight   int    // how many requests it counts as among those of an account that are handled at a time; 0 is 1
}

// Subject is where a caller sends the request.
func (e Endpoint[Q, A]) Subject() string {
	if e.Internal {
		return events.InternalSubject(e.Name)
	}
	return events.GlobalSubject(e.Name)
}

// Service is what the function subscribes to.
func (e Endpoint[Q, A]) Service() string {
	if e.Internal {
		return events.InternalSubject(e.Name)
	}
	return events.GlobalService(e.Name)
}

// Encode returns the body of a request.
func (e Endpoint[Q, A]) Encode(q Q) ([]byte, error) {
	switch q := any(q).(type) {
	case None:
		return nil, nil
	case Text:
		return []byte(q), nil
	}
	return json.Marshal(q)
}

// MaxRequest is how many bytes the largest request has. A larger one is refused without a look at it.
func (e Endpoint[Q, A]) MaxRequest() int { return cmp.Or(e.Max, MaxRequest) }

// Decode reads the body of a request; what it cannot read is [ErrBadRequest].
func (e Endpoint[Q, A]) Decode(body []byte) (q Q, err error) {
	switch into := any(&q).(type) {
	case *None:
		return q, nil // whatever an old client sends along means nothing
	case *Text:
		if !utf8.Valid(body) {
			return q, Errorf(ErrBadRequest, "%s: the request is not text", e.Name)
		}
		*into = Text(body)
		return q, nil
	case optional:
		if len(body) == 0 {
			return q, nil
		}
	}
	if err := json.Unmarshal(body, &q); err != nil {
		return q, Errorf(ErrBadRequest, "%s: the request cannot be read: %v", e.Name, err)
	}
	return q, nil
}

// optional is implemented by request types whose zero value an empty body stands for.
type optional interface{ optional() }

// decodeReply reads a reply in one pass: its data, or the [Error] it carries.
func (e Endpoint[Q, A]) decodeReply(body []byte) (a A, err error) {
	if _, none := any(a).(None); none {
		_, err := DecodeReply(body)
		return a, err
	}
	var env struct {
		Code  Code   `json:"code"`
		Error string `json:"error"`
		Data  A      `json:"data"`
	}
	if len(body) > maxReply {
		return a, Errorf(ErrInternal, "%s: the reply is %d bytes long", e.Name, len(body))
	}
	if err := json.Unmarshal(body, &env); err != nil {
		if data, refused := DecodeReply(body); refused != nil || string(data) == `""` {
			return a, refused // an original service says nothing with an empty string
		}
		return a, Errorf(ErrInternal, "%s: the reply cannot be read: %v", e.Name, err)
	}
	return env.Data, refusal(env.Code, env.Error)
}
