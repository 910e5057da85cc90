package cluster

import (
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

// Configs are the configuration files of the servers, in their order, for `nats-server -c FILE`.
func Configs(op *accounts.Operator, servers []Server) ([][]byte, error) {
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
	var files [][]byte
	for i, s := range servers {
		listen := "0.0.0.0"
		if s.local() {
			listen = s.Host
		}
		var text strings.Builder
		if err := config.Execute(&text, map[string]any{
			"Name": fmt.Sprintf("natster-%d", i+1), "Listen": listen, "Server": s, "TLS": !s.local(),
			"Servers": servers, "Operator": op.Token(), "System": op.WellKnown().System.String(), "Accounts": known,
		}); err != nil {
			return nil, fmt.Errorf("cluster: %w", err)
		}
		files = append(files, []byte(text.String()))
	}
	return files, nil
}

// config has the settings of the embedded world: see deploy/world/embedded/server.go. With sync_interval "always" an
// acknowledged event survives a power cut.
var config = template.Must(template.New("nats-server").Parse(
	`# A NATS server of a natster world, for: nats-server -c FILE
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
}
cluster {
  name: natster
  listen: "{{.Listen}}:{{.Server.Route}}"
{{- if .TLS}}
  tls {
    cert_file: "./server-cert.pem"
    key_file: "./server-key.pem"
    ca_file: "./ca.pem"
  }
{{- end}}
  routes: [
{{- range .Servers}}
    "nats-route://{{.Host}}:{{.Route}}"
{{- end}}
  ]
}
`))
