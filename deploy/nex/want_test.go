package nex_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"natster/deploy/nex"
	"natster/workloads/nexlet/spec"
	"natster/workloads/nexlet/wire"
)

func TestNexfiles(t *testing.T) {
	rows := []struct{ name, text, wants string }{
		{"a function", "name: otc\ntype: natster\nlifecycle: function\nstart_request: {function: otc}", ""},
		{"JSON", `{"name":"otc","type":"natster","lifecycle":"function","start_request":{"function":"otc"}}`, ""},
		{"not YAML", "name: [", "not YAML"},
		{"nothing to start", "name: otc\ntype: natster\nlifecycle: function", "it is empty"},
		{"another type", "type: native\nlifecycle: service\nstart_request: {function: otc}", `its type is "native"`},
		{
			"another lifecycle",
			"type: natster\nlifecycle: service\nstart_request: {function: otc}",
			`otc has lifecycle "function"`,
		},
		{"no lifecycle", "type: natster\nlifecycle: daemon\nstart_request: {function: otc}", "invalid value"},
		{
			"both",
			"type: natster\nlifecycle: function\nstart_request: {function: otc, catalog: {name: a, dir: b}}",
			"a function and a catalog",
		},
		{
			"an unknown field",
			"type: natster\nlifecycle: function\nstart_request: {function: otc, subject: x}",
			`"subject" is no field`,
		},
	}
	for _, r := range rows {
		path := filepath.Join(t.TempDir(), "file.yaml")
		if err := os.WriteFile(path, []byte(r.text), 0o600); err != nil {
			t.Fatal(err)
		}
		w, err := nex.ReadNexfile(path)
		if (err == nil) != (r.wants == "") || err != nil && !strings.Contains(err.Error(), r.wants) {
			t.Errorf("%s: %+v, %v", r.name, w, err)
		}
	}
	want := nex.Want{
		Name: "catalog", Description: "a: \"quoted\" one", Tags: wire.Tags{"zone": "a"},
		Start: spec.Start{Catalog: &spec.Catalog{Name: "films", Dir: "films", As: "hub"}},
	}
	text, err := want.Nexfile()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "file.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := nex.ReadNexfile(path)
	if err != nil || got.Start.JSON() != want.Start.JSON() || got.Description != want.Description ||
		got.Tags["zone"] != "a" {
		t.Errorf("%+v, %v of\n%s", got, err, text)
	}
}
