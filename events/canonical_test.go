package events

import (
	"encoding/json"
	"reflect"
	"testing"
)

func FuzzTheCanonicalFormMeansTheSameToJSON(f *testing.F) {
	const a = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	f.Add([]byte(`{"type":"catalog_shared","origin":"` + a + `","target":"` + a + `","catalog":"films"}`))
	f.Add([]byte(`{"type":"natster_initialized","origin":"` + a + `","data":{"account_id":"","account_name":"x"}}`))
	f.Add([]byte(`{"type":"catalog_claimed","catalog":"films","data":{"owner":"` + a + `"},"type":"x"}`))
	f.Add([]byte(`{"type":"x"}`))
	f.Add([]byte(`{"type":"x","data":{}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var fast, slow Event
		if !readCanonical(body, &fast) {
			return
		}
		if err := json.Unmarshal(body, &slow); err != nil {
			t.Fatalf("%q is no JSON: %v", body, err)
		}
		if !reflect.DeepEqual(fast, slow) {
			t.Errorf("%q is %+v, to package json %+v", body, fast, slow)
		}
	})
}

func TestWhatEncodeWritesIsCanonical(t *testing.T) {
	const a = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	who, err := ParseAccount(a)
	if err != nil {
		t.Fatal(err)
	}
	films, err := ParseCatalog("films")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []Event{
		{Type: Shared, Origin: who, Target: who, Catalog: films},
		WithData(Event{Type: Initialized, Origin: who}, InitializedData{AccountName: "ä \" < }", AccountKey: who}),
		WithData(Event{Type: Claimed, Catalog: films}, ClaimedData{Owner: who}),
		WithData(Event{Type: Bound, Origin: who}, BoundData{OAuthID: "github|1", ContextRef: "x"}),
	} {
		body, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var got Event
		if !readCanonical(body, &got) || !reflect.DeepEqual(got, e) {
			t.Errorf("%s is read as %+v", body, got)
		}
	}
}
