package spec_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nkeys"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"natster/workloads/nexlet/spec"
	"natster/workloads/nexlet/wire"
)

const someKey = "XBDXWTANMX6GFTDHDKRDSNMJ45TUF6O3F7PHLZTLZTCAAO2ZNHPF7XUI"

func TestStart(t *testing.T) {
	rows := []struct {
		name, text string
		wants      string // in the error; empty: none
		schema     bool   // the schema, which knows otc only, refuses it too
	}{
		{"a function", `{"function":"otc"}`, "", false},
		{"a catalog", `{"catalog":{"name":"films","dir":"films"}}`, "", false},
		{"configured", `{"function":"otc","config":{"deadline":"2s","most":8,"log":"debug"}}`, "", false},
		{
			"sealed",
			`{"function":"otc","encrypted_environment":{` +
				`"encrypted_by":"` + someKey + `","base64_encrypted_env":"AAAA"}}`,
			"",
			false,
		},
		{
			"both",
			`{"function":"otc","catalog":{"name":"films","dir":"films"}}`,
			"it has a function and a catalog",
			true,
		},
		{"neither", `{}`, "neither a function nor a catalog", true},
		{"unknown field", `{"function":"otc","replicas":3}`, `"replicas" is no field of it`, true},
		{
			"unknown field inside",
			`{"catalog":{"name":"films","dir":"films","path":"x"}}`,
			`"path" is no field of it`,
			true,
		},
		{"not JSON", `otc`, "not the JSON", true},
		{"nothing", ``, "it is empty", true},
		{"two", `{"function":"otc"}{"function":"hub"}`, "something follows", true},
		{"not a name", `{"function":"../otc"}`, "no name of a function", true},
		{"not a catalog name", `{"catalog":{"name":"my films","dir":"films"}}`, "catalog name", false},
		{"away from the directory", `{"catalog":{"name":"films","dir":"../../etc"}}`, "cannot leave it", false},
		{"an absolute directory", `{"catalog":{"name":"films","dir":"/etc"}}`, "cannot leave it", false},
		{"no deadline", `{"function":"otc","config":{"deadline":"soon"}}`, "no duration", false},
		{"level", `{"function":"otc","config":{"log":"loud"}}`, "none of debug", true},
		{
			"creds elsewhere",
			`{"catalog":{"name":"films","dir":"films","as":"../alice"}}`,
			"no name of an account",
			false,
		},
		{
			"not a key",
			`{"function":"otc","encrypted_environment":{"encrypted_by":"me","base64_encrypted_env":"AAAA"}}`,
			"not a public curve key",
			false,
		},
	}
	schema := compile(t, "otc")
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			_, err := spec.Parse(r.text)
			switch {
			case r.wants == "" && err != nil:
				t.Errorf("parse: %v", err)
			case r.wants != "" && (err == nil || !strings.Contains(err.Error(), r.wants)):
				t.Errorf("parse: %v, want %q in it", err, r.wants)
			case r.wants != "" && !errors.Is(err, spec.ErrStart):
				t.Errorf("parse: %v does not wrap ErrStart", err)
			}
			doc, err := jsonschema.UnmarshalJSON(strings.NewReader(r.text))
			if err == nil {
				err = schema.Validate(doc)
			}
			if (err != nil) != r.schema {
				t.Errorf("schema: %v", err)
			}
		})
	}
}

func TestTheSchemaKnowsTheFunctions(t *testing.T) {
	if err := compile(t, "otc", "hub").Validate(map[string]any{"function": "hub"}); err != nil {
		t.Error(err)
	}
	if err := compile(t, "otc").Validate(map[string]any{"function": "hub"}); err == nil {
		t.Error("an unknown function passes")
	}
}

func compile(t *testing.T, functions ...string) *jsonschema.Schema {
	t.Helper()
	text, err := spec.Schema(functions)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("start.json", doc); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("start.json")
}

func TestSealedEnvironment(t *testing.T) {
	key, other := curve(t), curve(t)
	public, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := spec.Seal(map[string]string{"TOKEN": "very secret"}, "otc", public)
	if err != nil {
		t.Fatal(err)
	}
	start := spec.Start{Function: "otc", Environment: sealed}
	if strings.Contains(start.JSON(), "secret") {
		t.Error("it can be read")
	}
	env, err := sealed.Open(key, "otc")
	if err != nil || env["TOKEN"] != "very secret" {
		t.Errorf("open: %v, %v", env, err)
	}
	if _, err := sealed.Open(other, "otc"); !errors.Is(err, spec.ErrSealed) ||
		!strings.Contains(err.Error(), "sealed for another key") {
		t.Errorf("another key: %v", err)
	}
	if _, err := sealed.Open(key, "hub"); !errors.Is(err, spec.ErrSealed) ||
		!strings.Contains(err.Error(), "another name") {
		t.Errorf("another workload: %v", err)
	}
	if _, err := spec.Seal(nil, "otc", "nonsense"); err == nil {
		t.Error("sealed to nobody")
	}
}

func TestWhatIsSealedDoesNotCount(t *testing.T) {
	a := spec.Start{Function: "otc"}
	b := spec.Start{Function: "otc", Environment: &spec.Sealed{By: someKey, Text: "AAAA"}}
	c := spec.Start{Function: "otc", Config: &spec.Config{Most: 8}}
	if a.Fingerprint() != b.Fingerprint() || a.Fingerprint() == c.Fingerprint() {
		t.Error(a.Fingerprint(), b.Fingerprint(), c.Fingerprint())
	}
}

func TestNamesAndLifecycles(t *testing.T) {
	f := spec.Start{Function: "otc"}
	c := spec.Start{Catalog: &spec.Catalog{Name: "films", Dir: "films"}}
	if f.Name() != "otc" || f.Lifecycle() != wire.Function || c.Name() != "catalog-films" ||
		c.Lifecycle() != wire.Service {
		t.Error(f.Name(), f.Lifecycle(), c.Name(), c.Lifecycle())
	}
	if c.Catalog.Account() != "films" || (spec.Catalog{Name: "films", As: "alice"}).Account() != "alice" {
		t.Error("whose catalog it is")
	}
	if !json.Valid([]byte(f.JSON())) {
		t.Error(f.JSON())
	}
}

func curve(t *testing.T) nkeys.KeyPair {
	t.Helper()
	key, err := nkeys.CreateCurveKeys()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func FuzzStart(f *testing.F) {
	for _, text := range []string{
		`{"function":"otc"}`, `{"catalog":{"name":"films","dir":"films","as":"alice"}}`,
		`{"function":"otc","config":{"deadline":"2s","most":8}}`,
		`{"function":"otc","encrypted_environment":{` +
			`"encrypted_by":"` + someKey + `","base64_encrypted_env":"AAAA"}}`,
		`{}`, `null`, `[`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := spec.Parse(text)
		if err != nil {
			if !errors.Is(err, spec.ErrStart) {
				t.Errorf("%v does not wrap ErrStart", err)
			}
			return
		}
		again, err := spec.Parse(s.JSON())
		if err != nil || again.JSON() != s.JSON() || again.Fingerprint() != s.Fingerprint() {
			t.Errorf("%s becomes %s: %v", s.JSON(), again.JSON(), err)
		}
		if s.Catalog != nil && strings.HasPrefix(filepath.Clean(s.Catalog.Dir)+"/", "../") {
			t.Errorf("directory %q leads out", s.Catalog.Dir)
		}
	})
}
