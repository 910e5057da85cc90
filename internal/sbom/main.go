// Command sbom says what is in Natster's binaries: it prints a CycloneDX document of the Go modules that the binaries
// carry, as the Go linker wrote them down, and of the npm packages that the website's page is made of, as its lock file
// has them.
//
//	go run ./internal/sbom -page workloads/web/page/package-lock.json dist/natster-*
//
// The same binaries give the same bytes: it has no date and no random number.
package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	page := flag.String("page", "", "`FILE` of the page's package-lock.json")
	flag.Parse()
	if err := run(os.Stdout, *page, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, page string, binaries []string) error {
	if len(binaries) == 0 {
		return errors.New("no binaries")
	}
	d := document{Format: "CycloneDX", SpecVersion: "1.6", Version: 1}
	parts := make(map[string]component)
	for _, path := range binaries {
		whole, in, err := binary(path)
		if err != nil {
			return err
		}
		d.Metadata.Component.Components = append(d.Metadata.Component.Components, whole)
		for _, c := range in {
			parts[c.PURL] = c
		}
	}
	if page != "" {
		text, err := os.ReadFile(page)
		if err != nil {
			return err
		}
		packages, err := bundled(text)
		if err != nil {
			return fmt.Errorf("%s: %w", page, err)
		}
		for _, c := range packages {
			parts[c.PURL] = c
		}
	}
	d.Metadata.Component.Type, d.Metadata.Component.Name = "application", "natster"
	for _, purl := range slices.Sorted(maps.Keys(parts)) {
		d.Components = append(d.Components, parts[purl])
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(d)
}

// A document is a CycloneDX 1.6 document, as far as it is needed here.
type document struct {
	Format      string `json:"bomFormat"`
	SpecVersion string `json:"specVersion"`
	Version     int    `json:"version"`
	Metadata    struct {
		Component component `json:"component"`
	} `json:"metadata"`
	Components []component `json:"components"`
}

type component struct {
	Type       string      `json:"type"`
	Name       string      `json:"name"`
	Version    string      `json:"version,omitempty"`
	PURL       string      `json:"purl,omitempty"`
	Hashes     []hash      `json:"hashes,omitempty"`
	Properties []property  `json:"properties,omitempty"`
	Components []component `json:"components,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// binary is the file at path as a component, and the modules in it.
func binary(path string) (component, []component, error) {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return component{}, nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return component{}, nil, err
	}
	sum := sha256.Sum256(text)
	whole := component{Type: "file", Name: filepath.Base(path), Hashes: []hash{{"SHA-256", hex.EncodeToString(sum[:])}}}
	for _, s := range info.Settings {
		if strings.HasPrefix(s.Key, "GO") || s.Key == "CGO_ENABLED" || s.Key == "vcs.revision" ||
			s.Key == "vcs.modified" {
			whole.Properties = append(whole.Properties, property{"go:" + s.Key, s.Value})
		}
	}
	version := strings.TrimPrefix(info.GoVersion, "go")
	in := []component{{Type: "library", Name: "std", Version: version, PURL: "pkg:golang/std@" + version}}
	for _, m := range info.Deps {
		c := component{Type: "library", Name: m.Path, Version: m.Version, PURL: "pkg:golang/" + m.Path + "@" +
			m.Version}
		if m.Replace != nil {
			return component{}, nil, fmt.Errorf("%s: module %s is replaced by %s", path, m.Path, m.Replace.Path)
		}
		if m.Sum != "" { // of the module as go.sum has it, which is no hash of a file
			c.Properties = []property{{"go:sum", m.Sum}}
		}
		in = append(in, c)
	}
	return whole, in, nil
}

// bundled are the packages of a lock file that become part of the page: its dependencies, and svelte with its own,
// which is a development dependency by npm's custom, and whose runtime is in every page that it compiles.
func bundled(lock []byte) ([]component, error) {
	var l struct {
		Packages map[string]struct {
			Version      string            `json:"version"`
			Integrity    string            `json:"integrity"`
			Dependencies map[string]string `json:"dependencies"`
		} `json:"packages"`
	}
	if err := json.Unmarshal(lock, &l); err != nil {
		return nil, err
	}
	todo := append(slices.Sorted(maps.Keys(l.Packages[""].Dependencies)), "svelte")
	var all []component
	seen := make(map[string]bool)
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		if seen[name] {
			continue
		}
		seen[name] = true
		p, ok := l.Packages["node_modules/"+name]
		if !ok {
			return nil, fmt.Errorf("package %s is not in it", name)
		}
		c := component{Type: "library", Name: name, Version: p.Version}
		c.PURL = "pkg:npm/" + strings.Replace(name, "@", "%40", 1) + "@" + p.Version
		if sum, ok := strings.CutPrefix(p.Integrity, "sha512-"); ok {
			raw, err := base64.StdEncoding.DecodeString(sum)
			if err != nil {
				return nil, fmt.Errorf("package %s: %w", name, err)
			}
			c.Hashes = []hash{{"SHA-512", hex.EncodeToString(raw)}}
		}
		all = append(all, c)
		todo = append(todo, slices.Sorted(maps.Keys(p.Dependencies))...)
	}
	return all, nil
}
