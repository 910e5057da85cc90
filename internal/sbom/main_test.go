package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestWhatIsInABinary builds a small program and reads back what it is made of.
func TestWhatIsInABinary(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	lock := filepath.Join(dir, "package-lock.json")
	text := `{"packages":{
		"":{"dependencies":{"@nats-io/nkeys":"2.0.3"},"devDependencies":{"vite":"8"}},
		"node_modules/@nats-io/nkeys":{"version":"2.0.3","integrity":"sha512-AAEC","dependencies":{"tweetnacl":"1"}},
		"node_modules/tweetnacl":{"version":"1.0.3"},
		"node_modules/svelte":{"version":"5.57.3"},
		"node_modules/vite":{"version":"8.3.8"}}}`
	if err := os.WriteFile(lock, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var first, again bytes.Buffer
	for _, out := range []*bytes.Buffer{&first, &again} {
		if err := run(out, lock, []string{program}); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), again.Bytes()) {
		t.Error("the same binary is described in two ways")
	}
	var d document
	if err := json.Unmarshal(first.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	var purls []string
	for _, c := range d.Components {
		purls = append(purls, c.PURL)
	}
	got := strings.Join(purls, " ")
	want := "pkg:golang/std@" + strings.TrimPrefix(runtime.Version(), "go") +
		" pkg:npm/%40nats-io/nkeys@2.0.3 pkg:npm/svelte@5.57.3 pkg:npm/tweetnacl@1.0.3"
	if got != want {
		t.Errorf("it is made of %s; want %s", got, want)
	}
	if hashes := d.Components[1].Hashes; len(hashes) != 1 || hashes[0].Content != "000102" {
		t.Errorf("the package's hash is %v", hashes)
	}
	if whole := d.Metadata.Component.Components; len(whole) != 1 || whole[0].Name != "program" ||
		len(whole[0].Hashes) != 1 {
		t.Errorf("the binary is %v", whole)
	}
}

func TestNothingToDescribe(t *testing.T) {
	if err := run(new(bytes.Buffer), "", nil); err == nil {
		t.Error("a document of no binaries")
	}
	if err := run(new(bytes.Buffer), "", []string{"main.go"}); err == nil {
		t.Error("a source file passes for a binary")
	}
	if _, err := bundled([]byte(`{"packages":{"":{"dependencies":{"gone":"1"}}}}`)); err == nil {
		t.Error("a package that the lock file lacks passes")
	}
}
