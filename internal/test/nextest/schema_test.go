package nextest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"natster/deploy/nex"
	"natster/functions"
	"natster/functions/api"
	"natster/internal/test/nexlettest"
	"natster/internal/test/nextest"
	"natster/workloads/nexlet"
	"natster/workloads/nexlet/spec"
	"natster/workloads/nexlet/wire"
)

// schemas are those that Nex publishes, without their prose, and without what was found wrong in them: a
// key "capabilities" that does not exist, "node_agent_summary" for "node_agent_summaries", metadata that must be empty.
func schemas(t *testing.T) func(name string) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile("testdata/schemas.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	for name, text := range all {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		mend(name, doc)
		if err := c.AddResource("file:///"+name, doc); err != nil {
			t.Fatal(err)
		}
	}
	return func(name string) *jsonschema.Schema {
		s, err := c.Compile("file:///" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

func mend(name string, doc any) {
	m, _ := doc.(map[string]any)
	required, _ := m["required"].([]any)
	rename := func(from string, to any) {
		var mended []any
		for _, r := range required {
			if r == from {
				r = to
			}
			if r != nil {
				mended = append(mended, r)
			}
		}
		m["required"] = mended
	}
	switch name {
	case "register-agent-request.json":
		rename("capabilities", nil)
	case "node-info-response.json":
		rename("node_agent_summary", "node_agent_summaries")
	}
}

type word struct {
	Word string `json:"word"`
}

// TestEveryMessageFitsNexsSchemas listens to all that is said in a whole story between the nexlet, the stand-in and the
// control client, and holds each message to the schema that Nex publishes for it.
func TestEveryMessageFitsNexsSchemas(t *testing.T) {
	probe := api.Endpoint[word, word]{Name: "probe"}
	s := nexlettest.Start(t, func() []functions.Function {
		return []functions.Function{{Name: "prober", Doc: "answers", Triggers: []functions.Trigger{
			functions.Request(
				probe,
				func(_ functions.Instance, _ context.Context, _ *functions.Call, q word) (word, error) {
					return q, nil
				},
			),
		}}}
	})
	said := listen(t, s.URL)
	node := s.Node(nextest.Config{Times: nextest.Times{Heartbeat: 50 * time.Millisecond}})
	c := s.Client("shares")
	creds, err := os.ReadFile(filepath.Join(s.Keys, "prober.creds"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := c.Deploy(t.Context(), nex.Request{
		Name: "prober", Start: spec.Start{Function: "prober"},
		Environment: map[string]string{nexlet.EnvCreds: string(creds)},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Running(c, d.ID, wire.Running)
	if _, err := api.Call(t.Context(), api.NewClient(s.Account("alice").Conn(t)), probe, word{"x"}); err != nil {
		t.Fatal(err)
	}
	s.Definition("shares", d.ID)
	if _, err := c.Nodes(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	s.Stop(c, d.ID)
	if err := c.Lameduck(t.Context(), node.Tags()[wire.TagNode], time.Millisecond); err != nil {
		t.Fatal(err)
	}
	<-node.Child(0).Done()
	said.until(t, wire.NodeStopped) // what a node says last

	seed := secretIn(t, filepath.Join(s.Keys, "prober.creds"))
	find := schemas(t)
	seen := map[string]int{}
	for _, m := range said.all() {
		if bytes.Contains(m.Data, []byte(seed)) {
			t.Errorf("%s shows the function's secret", m.Subject)
		}
		name := schemaOf(m)
		if name == "" || wire.Refusal(m) != nil {
			continue
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(m.Data))
		if err == nil {
			err = find(name).Validate(doc)
		}
		if err != nil {
			t.Errorf("%s is no %s: %v\n%s", m.Subject, name, err, m.Data)
		}
		seen[name]++
	}
	for _, name := range []string{
		"auction-request", "auction-response", "start-workload-request", "start-workload-response",
		"register-agent-request", "register-agent-response", "heartbeat-agent", "stop-workload-request",
		"stop-workload-response", "clone-workload-request", "clone-workload-response",
		"agent-list-workloads-request", "agent-list-workloads-response", "node-ping-request",
		"node-ping-response", "node-info-response", "lameduck-request", "lameduck-response",
		"event-workload-start", "event-workload-stopped", "event-workload-trigger", "event-nex-started",
		"event-nex-stopped", "event-nex-lameduckset",
	} {
		if seen[name] == 0 {
			t.Errorf("nobody said a %s", name)
		}
	}
}

// secretIn is the seed in a credentials file.
func secretIn(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "SU") {
			return strings.TrimSpace(line)
		}
	}
	t.Fatal("no seed in " + path)
	return ""
}

// A listener keeps all that is said, each reply with the subject of its request in front.
type listener struct {
	news     chan struct{} // one, when there is something new
	mu       sync.Mutex
	messages []*nats.Msg
	asked    map[string]string // subject of the request, by inbox
}

func listen(t *testing.T, url string) *listener {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	l := &listener{news: make(chan struct{}, 1), asked: map[string]string{}}
	if _, err := nc.Subscribe(">", func(m *nats.Msg) {
		l.mu.Lock()
		defer l.mu.Unlock()
		defer func() {
			select {
			case l.news <- struct{}{}:
			default:
			}
		}()
		if m.Reply != "" {
			l.asked[m.Reply] = m.Subject
		}
		l.messages = append(l.messages, m)
	}); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	return l
}

// until waits for a message whose subject ends so.
func (l *listener) until(t *testing.T, end string) {
	t.Helper()
	late := time.After(20 * time.Second)
	for !slices.ContainsFunc(l.all(), func(m *nats.Msg) bool { return strings.HasSuffix(m.Subject, end) }) {
		select {
		case <-l.news:
		case <-late:
			t.Fatalf("nobody said %s", end)
		}
	}
}

func (l *listener) all() []*nats.Msg {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []*nats.Msg
	for _, m := range l.messages {
		c := *m
		if subject, reply := l.asked[m.Subject]; reply {
			c.Subject = "reply." + subject
		}
		all = append(all, &c)
	}
	return all
}

// schemaOf is the schema that a message is to fit, or empty.
func schemaOf(m *nats.Msg) string {
	subject, reply := strings.CutPrefix(m.Subject, "reply.")
	kind := "-request"
	if reply {
		kind = "-response"
	}
	control := strings.Contains(subject, ".control.")
	has := func(verb string) bool { return strings.Contains(subject+".", "."+verb+".") }
	switch {
	case has("HEARTBEAT") && !control:
		return "heartbeat-agent"
	case has("HEARTBEAT"):
		return ""
	case has("AUCTION"):
		return "auction" + kind
	case has("ADEPLOY"):
		return "start-workload" + kind
	case has("STARTWORKLOAD") && reply:
		return "start-workload-response"
	case has("STARTWORKLOAD"):
		return "shared-agent-start-workload-request"
	case has("UNDEPLOY"), has("STOPWORKLOAD"):
		return "stop-workload" + kind
	case has("CLONE"), has("GETWORKLOAD"):
		return "clone-workload" + kind
	case has("WPING"), has("QUERYWORKLOADS"):
		return "agent-list-workloads" + kind
	case has("REGISTER"):
		return "register-agent" + kind
	case has("LAMEDUCK"), has("SETLAMEDUCK"):
		return "lameduck" + kind
	case has("INFO") && control:
		return "node-info" + kind
	case has("PING") && control:
		return "node-ping" + kind
	}
	switch wire.Last(subject) {
	case wire.WorkloadStarted:
		return "event-workload-start"
	case wire.WorkloadStopped:
		return "event-workload-stopped"
	case wire.WorkloadTriggered:
		return "event-workload-trigger"
	case wire.NodeStarted:
		return "event-nex-started"
	case wire.NodeStopped:
		return "event-nex-stopped"
	case wire.NodeLameduckSet:
		return "event-nex-lameduckset"
	}
	return ""
}
