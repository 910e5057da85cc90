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
	for got, want := range map[string]string{
		string(api.EncodeReply(api.Totals{Accounts: 3, Running: 1, Shares: 4},
			nil)): `{"code":200,"data":{"total_initialized":3,"running_catalogs":1,"share_count":4}}`,
		string(api.EncodeReply([]api.Share{}, nil)):  `{"code":200,"data":[]}`,
		string(api.EncodeReply(api.PutReply{}, nil)): `{"code":200,"data":{}}`,
		string(api.EncodeReply(nil, api.Errorf(api.ErrForbidden,
			"only the site"))): `{"code":403,"error":"only the site"}`,
		string(api.EncodeReply(api.NameVerdict{Valid: false, Message: "taken"},
			nil)): `{"code":200,"data":{"valid":false,"message":"taken"}}`,
		string(api.EncodeReply(api.OneTimeCode{Code: "K", ValidMinutes: 5},
			nil)): `{"code":200,"data":{"code":"K","valid_minutes":5,"claim_url":""}}`,
		string(api.EncodeReply(api.BoundContext{},
			nil)): `{"code":200,"data":{"context":{"team_id":"","system_id":"","account_id":"","account_name":"","account_public_key":"","access_token":"","user_id":"","creds":""},"user_jwt":"","user_seed":""}}`,
		string(api.EncodeReply(api.Identity{Initialized: 5},
			nil)): `{"code":200,"data":{"account_key":"","initialized":5}}`,
	} {
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
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
