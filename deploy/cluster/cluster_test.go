package cluster_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"natster/deploy/accounts"
	"natster/deploy/cluster"
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

func TestWhatLeavesAMachineIsEncryptedAndNoSecretIsInTheFiles(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys")
	if err := accounts.Bootstrap(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	op, err := accounts.Open(keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	servers := []cluster.Server{{Host: "a", Port: 1, Route: 2}, {Host: "b", Port: 1, Route: 2},
		{Host: "127.0.0.1", Port: 3, Route: 4}}
	files, err := cluster.Configs(op, servers)
	if err != nil || len(files) != 3 {
		t.Fatal(err)
	}
	for i, f := range files {
		text := string(f)
		if remote := i < 2; strings.Contains(text, "cert_file") != remote {
			t.Errorf("server %d: TLS is wrong:\n%s", i, text)
		}
		for _, secret := range []string{"SO", "SA", "SU"} { // what seeds begin with
			for _, word := range strings.Fields(text) {
				if strings.HasPrefix(word, secret) && len(word) == 58 {
					t.Errorf("server %d has a seed in its file", i)
				}
			}
		}
		if !strings.Contains(text, "sync_interval: always") || strings.Count(text, "nats-route://") != 3 {
			t.Errorf("server %d:\n%s", i, text)
		}
	}
	if _, err := cluster.Configs(op, servers[:2]); err == nil || !strings.Contains(err.Error(), "odd number") {
		t.Errorf("two servers: %v", err)
	}
}
