package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"text/template"

	"natster/deploy/accounts"
	"natster/internal/loopback"
)

// A Server is one NATS server of a cluster: where clients and where the other servers reach it.
type Server struct {
	Host        string
	Port, Route int
}

// DefaultRoute is the usual port for the other servers; clients have [accounts.DefaultPort].
const DefaultRoute = 6222

// ErrServer is wrapped by errors about a server that is not HOST[:PORT[:ROUTEPORT]].
var ErrServer = errors.New("not a server (HOST[:PORT[:ROUTEPORT]])")

// ParseServer reads HOST[:PORT[:ROUTEPORT]].
func ParseServer(s string) (Server, error) {
	parts := strings.Split(s, ":")
	srv := Server{Host: parts[0], Port: accounts.DefaultPort, Route: DefaultRoute}
	for i, to := range []*int{&srv.Port, &srv.Route} {
		if len(parts) <= i+1 {
			break
		}
		n, err := strconv.Atoi(parts[i+1])
		if err != nil || n < 1 || n > 65535 {
			return srv, fmt.Errorf("%q: %w", s, ErrServer)
		}
		*to = n
	}
	if srv.Host == "" || len(parts) > 3 || strings.ContainsAny(srv.Host, " \t\"{}") {
		return srv, fmt.Errorf("%q: %w", s, ErrServer)
	}
	return srv, nil
}

// URL is where clients connect: encrypted, unless the server is on this machine.
func (s Server) URL() string {
	scheme := "tls"
	if s.local() {
		scheme = "nats"
	}
	return scheme + "://" + net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
}

func (s Server) local() bool { return loopback.Host(s.Host) }

// URLs are where clients of the whole cluster connect.
func URLs(servers []Server) string {
	var all []string
	for _, s := range servers {
		all = append(all, s.URL())
	}
	return strings.Join(all, ",")
}

// A File is a file in a server's directory.
type File struct {
	Name    string // without a directory
	Content []byte
}

// Config is the name of the file for nats-server -c.
const Config = "nats-server.conf"

// Configs are the directories of the servers, in their order: all that each needs to run as nats-server -c [Config]
// there, except for the certificate that its clients see. What a directory has already is in old, by the server's
// index and the file's name; certificates that are still good are kept.
func (k *Keys) Configs(op *accounts.Operator, servers []Server, old func(i int, name string) []byte) ([][]File, error) {
	if len(servers)%2 == 0 {
		return nil, fmt.Errorf("a cluster of %d servers stands no more failures than one of %d: take an odd number",
			len(servers), len(servers)-1)
	}
	known, damaged, err := op.Accounts()
	if err != nil {
		return nil, err
	}
	if len(damaged) > 0 {
		return nil, damaged[0] // the servers would lack this account
	}
	var all [][]File
	for i, s := range servers {
		listen := "0.0.0.0"
		if s.local() {
			listen = s.Host
		}
		var text bytes.Buffer
		if err := config.Execute(&text, map[string]any{
			"Name": Name(i), "Listen": listen, "Server": s, "TLS": !s.local(),
			"Servers": servers, "Operator": op.Token(), "System": op.WellKnown().System.String(), "Accounts": known,
		}); err != nil {
			return nil, fmt.Errorf("cluster: %w", err)
		}
		pair := pair{old(i, routeCert), old(i, routeKey)}
		if !k.good(pair, servers) {
			if pair, err = k.issue(Name(i), servers); err != nil {
				return nil, err
			}
		}
		all = append(all, []File{
			{Config, text.Bytes()}, {storageConf, fmt.Appendf(nil, "key: %q\n", k.storage)},
			{routeCert, pair.cert}, {routeKey, pair.key}, {caCert, k.ca.cert},
		})
	}
	return all, nil
}

// Name is the name of server i of a cluster, and of its directory. JetStream knows its replicas by it.
func Name(i int) string { return fmt.Sprintf("natster-%d", i+1) }

// config has the settings of the embedded world: see deploy/world/embedded/server.go. With sync_interval "always" an
// acknowledged event survives a power cut. Routes have TLS on one machine, too: whoever could join as a server there
// would be every account.
var config = template.Must(template.New("nats-server").Parse(
	`# A NATS server of a natster world. In the directory of this file: nats-server -c nats-server.conf
# Made by: natster admin cluster
server_name: {{.Name}}
listen: "{{.Listen}}:{{.Server.Port}}"
{{- if .TLS}}
tls {
  cert_file: "./server-cert.pem"
  key_file: "./server-key.pem"
}
{{- end}}
max_payload: 1MB
max_pending: 64MB
write_deadline: "10s"
operator: {{.Operator}}
system_account: {{.System}}
resolver {
  type: full
  dir: "./resolver"
  allow_delete: false
  interval: "2m"
}
resolver_preload {
{{- range .Accounts}}
  {{.Account}}: {{.JWT}}
{{- end}}
}
jetstream {
  store_dir: "./"
  sync_interval: always
  cipher: aes
  include "jetstream.conf" # the key
}
{{- if gt (len .Servers) 1}}
cluster {
  name: natster
  listen: "{{.Listen}}:{{.Server.Route}}"
  tls {
    cert_file: "./route-cert.pem"
    key_file: "./route-key.pem"
    ca_file: "./ca.pem"
    verify: true
    timeout: 5
  }
  routes: [
{{- range .Servers}}
    "nats-route://{{.Host}}:{{.Route}}"
{{- end}}
  ]
}
{{- end}}
`))
