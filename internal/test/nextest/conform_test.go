package nextest_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/internal/test/nextest"
	"natster/workloads/nexlet/wire"
)

// An exchange is a request and its reply as they were captured between the real node, a real client and a real agent,
// with ids replaced by <node>, <agent>, <bid> and <workload>.
type exchange struct {
	Name    string            `json:"name"`
	ToAgent string            `json:"to_agent"` // the node asks the agent
	Subject string            `json:"subject"`
	Request any               `json:"request"`
	Headers map[string]string `json:"headers"`
	Reply   any               `json:"reply"`
	Silence bool              `json:"silence"`
	Expired bool              `json:"expired"` // after the bids have expired
}

func exchanges(t *testing.T) (story, toAgent []exchange) {
	t.Helper()
	file, err := os.Open("testdata/exchanges.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e exchange
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		if e.ToAgent != "" {
			toAgent = append(toAgent, e)
		} else {
			story = append(story, e)
		}
	}
	return story, toAgent
}

// names are what the placeholders stand for, as far as it is known.
type names struct {
	mu sync.Mutex
	of map[string]string
}

func (n *names) set(placeholder, s string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.of[placeholder] = s
}

func (n *names) fill(s string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	for k, v := range n.of {
		s = strings.ReplaceAll(s, k, v)
	}
	return s
}

// volatile are keys whose values differ from run to run: their type is compared.
var volatile = []string{
	"error_id", "start_time", "uptime", "xkey", "bidder_id", "agent_last_heartbeat_time",
	"nats_servers", "nex.arch", "nex.os",
	"nex.cpucount", "assigned_agent_id", "workload_id",
}

// differ says how got is not what was recorded.
func (n *names) differ(at string, recorded, got any) error {
	key := at[strings.LastIndexByte(at, '/')+1:]
	if reflect.TypeOf(recorded) != reflect.TypeOf(got) {
		return fmt.Errorf("%s: %T was recorded, this is %T", at, recorded, got)
	}
	switch recorded := recorded.(type) {
	case map[string]any:
		got, _ := got.(map[string]any)
		for k, v := range recorded {
			g, has := got[k]
			if !has {
				return fmt.Errorf("%s: %q is missing", at, k)
			}
			if err := n.differ(at+"/"+k, v, g); err != nil {
				return err
			}
		}
		for k := range got {
			if _, has := recorded[k]; !has {
				return fmt.Errorf("%s: %q was not recorded", at, k)
			}
		}
	case []any:
		got, _ := got.([]any)
		if slices.Contains(volatile, key) {
			return nil
		}
		if len(recorded) != len(got) {
			return fmt.Errorf("%s: %d were recorded, these are %d", at, len(recorded), len(got))
		}
		for i := range recorded {
			if err := n.differ(at, recorded[i], got[i]); err != nil {
				return err
			}
		}
	case string:
		got, _ := got.(string)
		wants := n.fill(recorded)
		if before, _, dated := strings.Cut(wants, " at 20"); dated { // a time
			got, _, _ = strings.Cut(got, " at 20")
			wants = before
		}
		if before, after, schema := strings.Cut(wants, "file:///"); schema { // the node's temporary file
			_, after, _ = strings.Cut(after, "'")
			gotBefore, gotAfter, _ := strings.Cut(got, "file:///")
			_, gotAfter, _ = strings.Cut(gotAfter, "'")
			wants, got = before+after, gotBefore+gotAfter
		}
		if wants != got && !slices.Contains(volatile, key) {
			return fmt.Errorf("%s: %q was recorded, this is %q", at, wants, got)
		}
	default:
		if recorded != got && !slices.Contains(volatile, key) {
			return fmt.Errorf("%s: %v was recorded, this is %v", at, recorded, got)
		}
	}
	return nil
}

// TestTheStandInSaysWhatNexSaid plays captured requests to the stand-in and compares every field of every reply, and
// every field of what the stand-in asks an agent, with what was captured.
func TestTheStandInSaysWhatNexSaid(t *testing.T) {
	s := nextest.Server(t)
	node := nextest.Start(t, nextest.Config{
		URL: s.ClientURL(), Tags: wire.Tags{"region": "lab", "zone": "a"}, Remote: true, AuctionTTL: 2 * time.Second,
		Times: nextest.Times{Scatter: 200 * time.Millisecond},
	})
	nc, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	ids := &names{of: map[string]string{"<node>": node.ID, "<agent>": "theAgentsOwnId00000000"}}
	story, toAgent := exchanges(t)
	refusals := map[string]string{} // the recorded refusal of an agent, as it comes through the node
	for _, e := range story {
		if e.Headers["Nats-Service-Error-Code"] == wire.CodeAgent {
			refusals["refuse"] = e.Headers["Nats-Service-Error"]
		}
	}
	play(t, nc, ids, toAgent, refusals)
	for _, e := range story {
		wait := 5 * time.Second
		if e.Silence {
			wait = 300 * time.Millisecond
		}
		body, err := json.Marshal(e.Request)
		if text, plain := e.Request.(string); plain {
			body = []byte(text)
		}
		if err != nil {
			t.Fatal(err)
		}
		ask := func() (*nats.Msg, error) {
			return nc.Request(ids.fill(e.Subject), []byte(ids.fill(string(body))), wait)
		}
		m, err := ask()
		for until := time.Now().Add(20 * time.Second); e.Expired && err == nil && time.Now().Before(until); {
			m, err = ask() // the bid stands, still
		}
		if e.Silence {
			if !errors.Is(err, nats.ErrTimeout) {
				t.Errorf("%s: %v, %v; silence was recorded", e.Name, m, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", e.Name, err)
			continue
		}
		var got any
		if err := json.Unmarshal(m.Data, &got); err != nil {
			got = string(m.Data)
		}
		learn(ids, got)
		for _, h := range []string{"Nats-Service-Error", "Nats-Service-Error-Code"} {
			wants := ids.fill(e.Headers[h])
			if got := m.Header.Get(h); got != wants {
				t.Errorf("%s: header %s: %q was recorded, this is %q", e.Name, h, wants, got)
			}
		}
		if err := ids.differ("", e.Reply, got); err != nil {
			t.Errorf("%s: %v\n%s", e.Name, err, m.Data)
		}
		if e.Name == "registration" {
			beat(t, nc, node, ids)
		}
	}
}

// learn takes the ids out of a reply, for the requests that follow.
func learn(ids *names, reply any) {
	fields, _ := reply.(map[string]any)
	if bid, ok := fields["bidder_id"].(string); ok {
		ids.set("<bid>", bid)
	}
	if id, ok := fields["id"].(string); ok && fields["name"] != nil {
		ids.set("<workload>", id)
	}
}

// beat is the agent's heartbeat as it was captured; it makes the agent healthy.
func beat(t *testing.T, nc *nats.Conn, node *nextest.Node, ids *names) {
	t.Helper()
	const body = `{"data":"{}","summary":{"name":"natster_nexlet",` +
		`"start_time":"2026-11-20T04:19:46.857950457Z","state":"running",` +
		`"supported_lifecycles":"function","type":"natster","version":"0.1.0","workload_count":0}}`
	if err := nc.Publish(ids.fill(wire.Heartbeat(node.ID, "<agent>")), []byte(body)); err != nil {
		t.Fatal(err)
	}
	if err := node.Healthy(t.Context(), "natster"); err != nil {
		t.Fatal(err)
	}
}

// play is the agent: it compares what it is asked with what the captured one was asked, and answers as that did.
func play(t *testing.T, nc *nats.Conn, ids *names, script []exchange, refusals map[string]string) {
	t.Helper()
	seen := map[string]bool{}
	var mu sync.Mutex
	for _, e := range script {
		subject := strings.ReplaceAll(ids.fill(e.Subject), "<workload>", "*")
		_, err := nc.Subscribe(subject, func(m *nats.Msg) {
			mu.Lock()
			defer mu.Unlock()
			seen[e.ToAgent] = true
			var got any
			if err := json.Unmarshal(m.Data, &got); err != nil {
				t.Errorf("%s: %v", e.ToAgent, err)
			}
			if e.ToAgent == "STARTWORKLOAD" {
				ids.set("<workload>", wire.Last(m.Subject))
			}
			plain := strings.Contains(string(m.Data), "shares") // this part of the story was captured whole
			if err := ids.differ("", e.Request, got); err != nil && plain && e.ToAgent != "QUERYWORKLOADS" {
				t.Errorf("%s: the node asks otherwise: %v\n%s", e.ToAgent, err, m.Data)
			}
			reply := nats.NewMsg(m.Reply)
			var text bytes.Buffer
			enc := json.NewEncoder(&text)
			enc.SetEscapeHTML(false) // of the placeholders
			if err := enc.Encode(e.Reply); err != nil {
				t.Error(err)
			}
			reply.Data = []byte(ids.fill(text.String()))
			for k, v := range e.Headers {
				reply.Header[k] = []string{ids.fill(v)}
			}
			if e.ToAgent == "STARTWORKLOAD" {
				reply.Data = fmt.Appendf(nil, `{"id":%q,"name":%q}`, wire.Last(m.Subject), nameIn(got))
				if strings.Contains(string(m.Data), "refuse") {
					reply.Header.Set("Nats-Service-Error-Code", wire.CodeAgent)
					reply.Header.Set("Nats-Service-Error", ids.fill(refusals["refuse"]))
				}
			}
			if e.ToAgent == "STOPWORKLOAD" && wire.Last(m.Subject) == "nosuch" {
				reply.Header.Set("Nats-Service-Error-Code", wire.CodeAgent)
				reply.Header.Set("Nats-Service-Error", wire.NotFound)
				reply.Data = []byte(
					`{"id":"nosuch","message":"workload not found","stopped":false,"workload_type":"natster"}`,
				)
			}
			if err := nc.PublishMsg(reply); err != nil {
				t.Error(err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		for _, e := range script {
			if !seen[e.ToAgent] {
				t.Errorf("the node never asked for %s", e.ToAgent)
			}
		}
	})
}

func nameIn(start any) any {
	fields, _ := start.(map[string]any)
	request, _ := fields["request"].(map[string]any)
	return request["name"]
}
