package api_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"natster/functions/api"
)

func TestARefusalTravelsAsCodeAndSentence(t *testing.T) {
	for _, sentinel := range []error{api.ErrBadRequest, api.ErrForbidden, api.ErrNotFound, api.ErrConflict, api.ErrGone,
		api.ErrTooMany, api.ErrUnavailable} {
		sent := api.Errorf(sentinel, "no: %d", 7)
		_, err := api.DecodeReply(api.EncodeReply(nil, sent))
		if !errors.Is(err, sentinel) || err.Error() != "no: 7" {
			t.Errorf("%v arrives as %v", sent, err)
		}
		for _, other := range []error{api.ErrBadRequest, api.ErrForbidden, api.ErrInternal} {
			if other != sentinel && errors.Is(err, other) {
				t.Errorf("%v passes for %v", err, other)
			}
		}
	}
	_, err := api.DecodeReply(api.EncodeReply(nil, errors.New("disk 7 is on fire")))
	if !errors.Is(err, api.ErrInternal) || strings.Contains(err.Error(), "fire") {
		t.Errorf("an internal error arrives as %v", err)
	}
	_, err = api.DecodeReply(api.EncodeReply(nil, fmt.Errorf("film: %w", api.ErrGone)))
	if !errors.Is(err, api.ErrGone) {
		t.Errorf("a wrapped sentinel arrives as %v", err)
	}
}

func TestTheWireIsTheContracts(t *testing.T) {
	bare := `{"team_id":"","system_id":"","account_id":"","account_name":"","account_public_key":"",` +
		`"access_token":"","user_id":"","creds":""}`
	for want, data := range map[string]any{
		`{"total_initialized":3,"running_catalogs":1,"share_count":4}`: api.Totals{Accounts: 3, Running: 1, Shares: 4},
		`[]`:                                []api.Share{},
		`{}`:                                api.PutReply{},
		`{"valid":false,"message":"taken"}`: api.NameVerdict{Valid: false, Message: "taken"},
		`{"code":"K","valid_minutes":5,"claim_url":""}`:         api.OneTimeCode{Code: "K", ValidMinutes: 5},
		`{"account_key":"","initialized":5}`:                    api.Identity{Initialized: 5},
		`{"context":` + bare + `,"user_jwt":"","user_seed":""}`: api.BoundContext{},
	} {
		if got := string(api.EncodeReply(data, nil)); got != `{"code":200,"data":`+want+`}` {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	refused := api.EncodeReply(nil, api.Errorf(api.ErrForbidden, "only the site"))
	if string(refused) != `{"code":403,"error":"only the site"}` {
		t.Errorf("a refusal is %s", refused)
	}
}

func TestPlainTextAndNothingAreNoJSON(t *testing.T) {
	if b, err := api.ValidateName.Encode("films"); err != nil || string(b) != "films" {
		t.Errorf("%s, %v", b, err)
	}
	if q, err := api.ValidateName.Decode([]byte("films")); err != nil || q != "films" {
		t.Errorf("%s, %v", q, err)
	}
	if _, err := api.ValidateName.Decode([]byte("\xff")); !errors.Is(err, api.ErrBadRequest) {
		t.Errorf("no text: %v", err)
	}
	if _, err := api.Whoami.Decode([]byte("whatever")); err != nil {
		t.Errorf("nothing, with something in it: %v", err)
	}
	if _, err := api.MyShares.Decode(nil); err != nil {
		t.Errorf("an empty request: %v", err)
	}
	if _, err := api.Put.Decode(nil); !errors.Is(err, api.ErrBadRequest) {
		t.Errorf("an empty put: %v", err)
	}
}

func FuzzReplies(f *testing.F) {
	f.Add([]byte(`{"code":200,"data":{}}`))
	f.Add([]byte(`{"code":403,"error":"no"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		data, err := api.DecodeReply(body)
		var refusal *api.Error
		switch {
		case err != nil && !errors.As(err, &refusal):
			t.Errorf("an unknown error: %v", err)
		case err == nil && len(data) > 0 && !json.Valid(data):
			t.Errorf("data that is no JSON: %q", data)
		}
	})
}

func FuzzRequests(f *testing.F) {
	f.Add([]byte(`{"catalog":"films","target":"none","event_type":"catalog_shared"}`))
	f.Add([]byte(`{"catalog":"films","account_key":"","revision":1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, put := api.Put.Decode(body)
		_, beat := api.PutHeartbeat.Decode(body)
		_, shares := api.MyShares.Decode(body)
		_, code := api.GenerateCode.Decode(body)
		_, claim := api.ClaimCode.Decode(body)
		for _, err := range []error{put, beat, shares, code, claim} {
			if err != nil && !errors.Is(err, api.ErrBadRequest) {
				t.Errorf("an unknown error: %v", err)
			}
		}
	})
}
