package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// Headers that functions and their callers exchange beside the envelope. Positions are decimal positions of the log.
const (
	// HeaderPosition, on a reply: the position in the event log that the answer reflects.
	HeaderPosition = "Natster-Position"
	// HeaderMinPosition, on a request: answer only from state that reflects at least this position. A caller that
	// has seen none sends 0. A put of a caller that sends none is answered late, when its next query will see it.
	HeaderMinPosition = "Natster-Min-Position"
	// HeaderNext, on a reply: there is more; ask again with this cursor.
	HeaderNext = "Natster-Next"
	// HeaderNotice, on a reply: a sentence for the person who asked, about the world as it is just now.
	HeaderNotice = "Natster-Notice"
	// HeaderRetryAfter, on a refusal: the request may succeed after so many milliseconds, in decimal digits.
	HeaderRetryAfter = "Natster-Retry-After"
)

// MaxRequest is the largest request body that a function reads, in bytes, unless its [Endpoint] says otherwise.
const MaxRequest = 16 << 10

// Code is the outcome of a request, on the wire as "code".
type Code int

// The codes.
const (
	CodeOK          Code = 200
	CodeBadRequest  Code = 400
	CodeForbidden   Code = 403
	CodeNotFound    Code = 404
	CodeConflict    Code = 409
	CodeGone        Code = 410
	CodeAway        Code = 424 // it is listed, and the disk that it is on is not there: later
	CodeTooMany     Code = 429
	CodeInternal    Code = 500
	CodeUnavailable Code = 503 // not now: try again
	CodeFull        Code = 507 // not now: the world's disk is full: nothing new can be kept; it is unavailable, too
)

// Sentinels to branch on: an [Error] matches the one of its code with errors.Is, on both sides of the wire.
var (
	ErrBadRequest  = errors.New("bad request")
	ErrForbidden   = errors.New("forbidden")
	ErrNotFound    = errors.New("not found")
	ErrConflict    = errors.New("conflict")
	ErrGone        = errors.New("gone")
	ErrAway        = errors.New("the disk is away")
	ErrTooMany     = errors.New("too many requests")
	ErrInternal    = errors.New("internal error")
	ErrUnavailable = errors.New("not available now")
	ErrFull        = errors.New("no room to keep anything new")
)

// codes is the one table between errors and codes.
var codes = []struct {
	err  error
	code Code
}{
	{ErrBadRequest, CodeBadRequest},
	{ErrForbidden, CodeForbidden},
	{ErrNotFound, CodeNotFound},
	{ErrConflict, CodeConflict},
	{ErrGone, CodeGone},
	{ErrAway, CodeAway},
	{ErrTooMany, CodeTooMany},
	{ErrUnavailable, CodeUnavailable},
	{ErrFull, CodeFull},
	{ErrInternal, CodeInternal},
}

// An Error is a refusal as it travels: a code, a sentence for a person, and when to come back if that is known.
type Error struct {
	Code       Code
	Message    string
	RetryAfter time.Duration // 0: not known; in whole milliseconds, in [HeaderRetryAfter]

	cause error // on the side of the caller, if there is more to branch on
}

// Error is the sentence.
func (e *Error) Error() string { return e.Message }

// Unwrap is [nats.ErrNoResponders] where that is why, and nil otherwise.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is the sentinel of e's code. What is full is not available, too.
func (e *Error) Is(target error) bool {
	for _, row := range codes {
		if row.err == target {
			return row.code == e.Code || target == ErrUnavailable && e.Code == CodeFull
		}
	}
	return false
}

// Errorf returns an [Error] of the code that belongs to sentinel, one of this package's, with a sentence for a person.
func Errorf(sentinel error, format string, args ...any) error {
	return &Error{Code: codeOf(sentinel), Message: fmt.Sprintf(format, args...)}
}

// Later is [Errorf] for what is a matter of time: the sentence ends with when to try again, rounded up to seconds.
func Later(sentinel error, wait time.Duration, format string, args ...any) error {
	seconds := (wait + time.Second - 1) / time.Second
	return &Error{
		Code:       codeOf(sentinel),
		Message:    fmt.Sprintf(format, args...) + fmt.Sprintf(": try again in %d s", max(1, seconds)),
		RetryAfter: max(wait, time.Millisecond),
	}
}

func codeOf(err error) Code {
	for _, row := range codes {
		if errors.Is(err, row.err) {
			return row.code
		}
	}
	return CodeInternal
}

// Refusal returns what to answer for err: code and sentence. What is not meant for callers becomes a plain internal
// error; the cause belongs in the operator's log, and Refusal says so by its second value.
func Refusal(err error) (e *Error, internal bool) {
	if refusal, is := errors.AsType[*Error](err); is {
		return refusal, refusal.Code == CodeInternal
	}
	if code := codeOf(err); code != CodeInternal {
		return &Error{Code: code, Message: err.Error()}, false
	}
	return &Error{Code: CodeInternal, Message: "internal error: the operator's log has the cause"}, true
}

// An Envelope is every reply:
//
//	{"code":200,"data":{...}}
//	{"code":403,"error":"only the site may claim a code"}
type Envelope struct {
	Code  Code            `json:"code"`
	Error string          `json:"error,omitempty"`
	Data  json.RawMessage `json:"data,omitempty"`
}

// maxReply bounds a reply that this side decodes, in bytes: the largest message that any NATS server is set up for.
const maxReply = 64 << 20

// DecodeReply returns the data of a reply, or the [Error] it carries; a reply that is not an envelope is [ErrInternal].
func DecodeReply(body []byte) (json.RawMessage, error) {
	var e Envelope
	if len(body) > maxReply {
		return nil, Errorf(ErrInternal, "the reply is %d bytes long", len(body))
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, Errorf(ErrInternal, "the reply is not in natster's form: %v", err)
	}
	return e.Data, refusal(e.Code, e.Error)
}

// ReadReply is [DecodeReply] of a message: an [Error] says when to come back, if the message does.
func ReadReply(m *nats.Msg) (json.RawMessage, error) {
	data, err := DecodeReply(m.Data)
	return data, withRetryAfter(err, m.Header)
}

// withRetryAfter adds to a refusal that was just decoded what the header says about when to come back.
func withRetryAfter(err error, h nats.Header) error {
	const most = 1 << 31 // milliseconds: 24 days
	refusal, is := errors.AsType[*Error](err)
	if !is {
		return err
	}
	if ms, err := strconv.ParseUint(h.Get(HeaderRetryAfter), 10, 64); err == nil {
		refusal.RetryAfter = time.Duration(min(ms, most)) * time.Millisecond
	}
	return err
}

// refusal is the error that a reply of that code carries, or nil.
func refusal(code Code, message string) error {
	if code == CodeOK {
		return nil
	}
	if message == "" {
		message = fmt.Sprintf("refused with code %d", code)
	}
	return &Error{Code: code, Message: message}
}

// EncodeReply returns the envelope of data, or of err where that is not nil.
func EncodeReply(data any, err error) []byte {
	type envelope struct { // an Envelope whose data is encoded in the same pass
		Code  Code   `json:"code"`
		Error string `json:"error,omitempty"`
		Data  any    `json:"data,omitempty"`
	}
	if err == nil {
		var b []byte
		if b, err = json.Marshal(envelope{Code: CodeOK, Data: data}); err == nil {
			return b
		}
	}
	refusal, _ := Refusal(err) // the cause of an internal error is for the caller to log
	b, err := json.Marshal(envelope{Code: refusal.Code, Error: refusal.Message})
	if err != nil {
		panic("api: an envelope cannot be encoded: " + err.Error()) // without data it always can
	}
	return b
}

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
		if wait := refusal.RetryAfter; wait > 0 {
			ms := (wait + time.Millisecond - 1) / time.Millisecond
			answer.Header.Set(HeaderRetryAfter, strconv.FormatInt(int64(ms), 10))
		}
	}
	err = nc.PublishMsg(answer)
	if errors.Is(err, nats.ErrMaxPayload) {
		err = Errorf(ErrInternal, "the reply of %d bytes does not fit into a message", len(answer.Data))
		return errors.Join(err, Reply(nc, to, nil, nil, err))
	}
	return err
}
