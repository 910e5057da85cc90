package nex

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"natster/workloads/nexlet/wire"
)

// A Line is a piece of a workload's log.
type Line struct {
	Time     time.Time `json:"time,omitzero"` // when it came
	Workload string    `json:"workload"`
	Name     string    `json:"name,omitempty"` // of the workload, where it is known
	Stream   string    `json:"stream"`         // stdout or stderr
	Text     string    `json:"text"`
}

// An Event is what a node or an agent tells. Nothing may depend on one: many are lost.
type Event struct {
	Time  time.Time       `json:"time"` // when it came
	Owner string          `json:"owner"`
	Type  string          `json:"type"`
	Body  json.RawMessage `json:"body"`
}

// Logs gives each piece of the workloads' logs to got, one after the other, until ctx is done. Owners are what the feeds are
// under: namespaces, or, where the nexlet may not publish there, the "feed" in the metadata of the list.
func (c *Client) Logs(ctx context.Context, owners []string, got func(Line)) error {
	return c.follow(ctx, owners, func(owner string) string { return wire.Logs(owner, "*", "*") }, func(m *nats.Msg) {
		got(Line{Time: time.Now(), Workload: wire.Token(m.Subject, 4), Stream: wire.Last(m.Subject), Text: strings.TrimRight(string(m.Data), "\n")})
	})
}

// Recent are the last lines of the logs of the workloads with these ids or names, or of all; of each the oldest first. When
// they were written they say themselves.
func (c *Client) Recent(ctx context.Context, names ...string) ([]Line, error) {
	all, err := c.List(ctx, append([]string{wire.WithLogs}, names...)...)
	if err != nil {
		return nil, err
	}
	var lines []Line
	for _, w := range all {
		for text := range strings.Lines(w.Metadata[wire.MetaLog]) {
			stream, text, _ := strings.Cut(strings.TrimRight(text, "\n"), "\t")
			lines = append(lines, Line{Workload: w.ID, Name: w.Name, Stream: stream, Text: text})
		}
	}
	return lines, nil
}

// Events gives each event of the owners to got, until ctx is done.
func (c *Client) Events(ctx context.Context, owners []string, got func(Event)) error {
	return c.follow(ctx, owners, func(owner string) string { return wire.Events(owner, "*") }, func(m *nats.Msg) {
		got(Event{Time: time.Now(), Owner: wire.NamespaceOf(m.Subject), Type: wire.Last(m.Subject), Body: m.Data})
	})
}

// Feeds are the owners under which the logs and events of the client's namespace can be found.
func (c *Client) Feeds(ctx context.Context) ([]string, error) {
	owners := []string{c.namespace}
	if c.namespace == wire.System {
		owners = []string{"*"}
	}
	all, err := c.List(ctx)
	seen := map[string]bool{}
	for _, w := range all {
		if f := w.Metadata["feed"]; f != "" && !seen[f] {
			seen[f] = true
			owners = append(owners, f)
		}
	}
	return owners, err
}

func (c *Client) follow(ctx context.Context, owners []string, subject func(string) string, got func(*nats.Msg)) error {
	const waiting = 4096 // messages; more are lost, as all of a feed may be
	messages := make(chan *nats.Msg, waiting)
	for _, owner := range owners {
		sub, err := c.nc.ChanSubscribe(subject(owner), messages)
		if err != nil {
			return fmt.Errorf("nex: %w", err)
		}
		defer func() { _ = sub.Unsubscribe() }() // of a closed connection: nothing to do
	}
	if err := c.nc.FlushWithContext(deadlined(ctx, c.waits.First)); err != nil {
		return fmt.Errorf("nex: %w", err)
	}
	closed := c.nc.StatusChanged(nats.CLOSED)
	defer c.nc.RemoveStatusListener(closed)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-closed:
			return fmt.Errorf("nex: %w", nats.ErrConnectionClosed)
		case m := <-messages:
			got(m)
		}
	}
}
