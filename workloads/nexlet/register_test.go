package nexlet

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"natster/workloads/nexlet/wire"
)

// What a nexlet wrote down before an update is what it finds after it.
func TestTheStateFileOfAnEarlierVersionIsRead(t *testing.T) {
	const text = `{"agent":"AG","node":"NO","connection":{"nats_servers":["nats://a:1"],"nats_user_jwt":"J"},` +
		`"registration":{"nats_user_seed":"S"},"workloads":{"W1":{"namespace":"natster"}}}`
	path := filepath.Join(t.TempDir(), "NO.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	want := registration{
		Agent: "AG", Node: "NO", Connection: wire.ConnectionData{Servers: []string{"nats://a:1"}, JWT: "J"},
		Registration: wire.ConnectionData{Seed: "S"},
		Workloads:    map[string]json.RawMessage{"W1": json.RawMessage(`{"namespace":"natster"}`)},
	}
	if got, err := stateFile(path).load(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
}
