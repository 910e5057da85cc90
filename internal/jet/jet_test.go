package jet_test

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"natster/internal/jet"
)

func TestAnAcknowledgementIsReadForWhatItIs(t *testing.T) {
	for answer, want := range map[string]error{
		`{"stream":"S", "seq":7}`:                  nil,
		`{"stream":"S", "seq":7,"duplicate":true}`: nil,
		``: nats.ErrNoResponders,

		`{"error":{"code":400,"err_code":10071,"description":"wrong last: 3"},"stream":"S","seq":0}`: jet.ErrConflict,
		`{"stream":"S","error":{"code":400,"err_code":10164,"description":"wrong last"},"seq":0}`:    jet.ErrConflict,

		`{"error":{"code":503,"err_code":10077,"description":"too many bytes"}}`: &jetstream.APIError{ErrorCode: 10077},
	} {
		if err := jet.Acknowledged([]byte(answer)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", answer, err, want)
		}
	}
	for _, answer := range []string{`{}`, `{"seq":7}`, `{"error":null}`, `not JSON`} {
		if err := jet.Acknowledged([]byte(answer)); err == nil || errors.Is(err, jet.ErrConflict) {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

func TestWhatDeletesAKeyIsSeenAsItsDeletion(t *testing.T) {
	if m := jet.Deletion("$KV.b.k"); m.Subject != "$KV.b.k" || !jet.Deleted(m.Header) || len(m.Data) != 0 {
		t.Errorf("%+v", m)
	}
	for _, h := range []nats.Header{{"KV-Operation": {"DEL"}}, {"KV-Operation": {"PURGE"}},
		{"Nats-Marker-Reason": {"MaxAge"}}} {
		if !jet.Deleted(h) {
			t.Errorf("%v deletes nothing", h)
		}
	}
	for _, h := range []nats.Header{nil, {}, {"Nats-Msg-Id": {"1"}}} {
		if jet.Deleted(h) {
			t.Errorf("%v deletes", h)
		}
	}
}

func TestExpectWorksOnAMessageWithoutHeaders(t *testing.T) {
	m := &nats.Msg{Subject: "s"}
	jet.Expect(m, "s.*", 7)
	if got := m.Header.Get(jetstream.ExpectedLastSubjSeqHeader); got != "7" {
		t.Errorf("sequence %q", got)
	}
	if got := m.Header.Get(jetstream.ExpectedLastSubjSeqSubjHeader); got != "s.*" {
		t.Errorf("filter %q", got)
	}
}
