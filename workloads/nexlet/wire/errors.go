package wire

import (
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// Codes of refusals.
const (
	CodeAgent      = "100" // an agent's refusal, in its own words
	CodeBadRequest = "400"
	CodeForbidden  = "403"
	CodeNotFound   = "404"
	CodeInternal   = "500"
)

// An Error is a refusal, recognised by its headers. A node's own refusal has a body with an id, under which the node's
// log may say more.
type Error struct {
	Code    string
	Message string // for people
	ID      string // of a node's refusal
	Detail  string // of a node's refusal
}

// Error returns the message, and what of the details helps a person.
func (e *Error) Error() string {
	switch {
	case e.Detail != "" && e.Detail != e.Message && e.ID != "" && e.Code == CodeInternal:
		return fmt.Sprintf("%s (the node's log says why, under %s)", e.Message, e.ID)
	case e.Detail != "" && e.Detail != e.Message:
		return e.Message + ": " + e.Detail
	}
	return e.Message
}

// ErrorBody is the body of a node's refusal.
type ErrorBody struct {
	ErrorID string `json:"error_id"`
	Error   string `json:"error"`
}

// Refusal returns the *Error in a reply, or nil if it is not a refusal. Call it before the body is read: an agent's
// refusal has the body of a success.
func Refusal(m *nats.Msg) error {
	code, text := m.Header.Get(micro.ErrorCodeHeader), m.Header.Get(micro.ErrorHeader)
	if code == "" && text == "" {
		return nil
	}
	e := &Error{Code: code, Message: text}
	var body ErrorBody
	if json.Unmarshal(m.Data, &body) == nil {
		e.ID, e.Detail = body.ErrorID, body.Error
	}
	return e
}
