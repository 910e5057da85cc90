package cluster_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"natster/deploy/accounts"
	"natster/deploy/cluster"
	"natster/functions"
	"natster/internal/private"
)

func TestServers(t *testing.T) {
	rows := []struct {
		text string
		want cluster.Server
		url  string
	}{
		{"a.example.net", cluster.Server{Host: "a.example.net", Port: 7422, Route: 6222}, "tls://a.example.net:7422"},
		{"a.example.net:4222", cluster.Server{Host: "a.example.net", Port: 4222, Route: 6222},
			"tls://a.example.net:4222"},
		{"127.0.0.1:1:2", cluster.Server{Host: "127.0.0.1", Port: 1, Route: 2}, "nats://127.0.0.1:1"},
	}
	for _, r := range rows {
		got, err := cluster.ParseServer(r.text)
		if err != nil || got != r.want || got.URL() != r.url {
			t.Errorf("%s: %+v %s, %v", r.text, got, got.URL(), err)
		}
	}
	for _, text := range []string{"", ":1", "a:b", "a:1:2:3", "a:0", "a:70000", "a b", `a"`} {
		if _, err := cluster.ParseServer(text); !errors.Is(err, cluster.ErrServer) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// configs are the files of servers, by name, of a new operator with the keys in dir.
func configs(t *testing.T, dir string, old func(int, string) []byte, servers ...cluster.Server) []map[string]string {
	t.Helper()
	keys := filepath.Join(t.TempDir(), "keys")
	if err := accounts.Bootstrap(t.Context(), keys, functions.Limits{}); err != nil {
		t.Fatal(err)
	}
	op, err := accounts.Open(keys, functions.Limits{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	k, err := cluster.OpenKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	all, err := k.Configs(op, servers, old)
	if err != nil {
		t.Fatal(err)
	}
	var found []map[string]string
	for _, files := range all {
		m := map[string]string{}
		for _, f := range files {
			m[f.Name] = string(f.Content)
		}
		found = append(found, m)
	}
	if _, err := k.Configs(op, servers[:2], old); err == nil || !strings.Contains(err.Error(), "odd number") {
		t.Errorf("two servers: %v", err)
	}
	return found
}

func nothing(int, string) []byte { return nil }

func TestWhatLeavesAMachineIsEncryptedAndNoSecretIsInTheConfiguration(t *testing.T) {
	servers := []cluster.Server{{Host: "a", Port: 1, Route: 2}, {Host: "b", Port: 1, Route: 2},
		{Host: "127.0.0.1", Port: 3, Route: 4}}
	for i, f := range configs(t, t.TempDir(), nothing, servers...) {
		text := f[cluster.Config]
		if remote := i < 2; strings.Contains(text, `"./server-cert.pem"`) != remote {
			t.Errorf("server %d: TLS is wrong:\n%s", i, text)
		}
		for _, secret := range []string{"SO", "SA", "SU"} { // what seeds begin with
			for _, word := range strings.Fields(text) {
				if strings.HasPrefix(word, secret) && len(word) == 58 {
					t.Errorf("server %d has a seed in its file", i)
				}
			}
		}
		if strings.Contains(text, strings.Trim(f["jetstream.conf"], "key: \"\n")) {
			t.Errorf("server %d has the key to its files in its configuration", i)
		}
		if !strings.Contains(text, "sync_interval: always") || strings.Count(text, "nats-route://") != 3 {
			t.Errorf("server %d:\n%s", i, text)
		}
	}
}

func TestKeysAreMadeOnceAndKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cluster")
	servers := []cluster.Server{{Host: "a", Port: 1, Route: 2}, {Host: "b", Port: 1, Route: 2},
		{Host: "127.0.0.1", Port: 3, Route: 4}}
	one := configs(t, dir, nothing, servers...)
	kept := func(i int, name string) []byte { return []byte(one[i][name]) }
	secrets := []string{"jetstream.conf", "route-key.pem", "route-cert.pem", "ca.pem"}
	for i, f := range configs(t, dir, kept, servers...) {
		for _, name := range secrets {
			if f[name] != one[i][name] || f[name] == "" {
				t.Errorf("server %d has another %s", i, name)
			}
		}
	}
	for i, f := range configs(t, dir, kept, append(servers[:2:2], cluster.Server{Host: "c", Port: 1, Route: 2})...) {
		if f["route-cert.pem"] == one[i]["route-cert.pem"] {
			t.Errorf("server %d has a certificate without the new server's name", i)
		}
		if f["jetstream.conf"] != one[i]["jetstream.conf"] || f["ca.pem"] != one[i]["ca.pem"] {
			t.Errorf("server %d has other keys", i)
		}
	}
	for i, f := range configs(t, t.TempDir(), kept, servers...) {
		if f["route-cert.pem"] == one[i]["route-cert.pem"] {
			t.Errorf("server %d has a certificate of another authority", i)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "jetstream.key")); err != nil || private.Exposed(info) {
		t.Errorf("the key: %v, %v", info.Mode(), err)
	}
}

func TestALostKeyIsNotReplaced(t *testing.T) {
	for name, want := range map[string]string{"jetstream.key": "each server has it", "ca-key.pem": "is lost"} {
		dir := t.TempDir()
		if _, err := cluster.OpenKeys(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if _, err := cluster.OpenKeys(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}
