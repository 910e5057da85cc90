package nex

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"natster/workloads/nexlet/wire"
)

// A Line is one line of a workload's log.
type Line struct {
	Time     time.Time `json:"time,omitzero"` // when it arrived
	Workload string    `json:"workload"`
	Name     string    `json:"name,omitempty"` // of the workload, if known
	Stream   string    `json:"stream"`         // stdout or stderr
	Text     string    `json:"text"`
}

// Logs calls got with each line of the workloads' logs, one after the other, until ctx is done; then it returns nil.
// Owners are those that Feeds returns.
func (c *Client) Logs(ctx context.Context, owners []string, got func(Line)) error {
	const buffered = 4096 // messages; more are lost, as a feed may lose any
	messages := make(chan *nats.Msg, buffered)
	for _, owner := range owners {
		sub, err := c.nc.ChanSubscribe(wire.Logs(owner, "*", "*"), messages)
		if err != nil {
			return fmt.Errorf("nex: %w", err)
		}
		defer func() { _ = sub.Unsubscribe() }() // of a closed connection: nothing to do
	}
	if err := c.nc.FlushTimeout(firstTimeout); err != nil {
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
			text := strings.TrimRight(string(m.Data), "\n")
			got(Line{Time: time.Now(), Workload: wire.Token(m.Subject, 4), Stream: wire.Last(m.Subject), Text: text})
		}
	}
}

// Recent returns the last lines of the logs of the workloads with these ids or names, or of all, the oldest line of
// each first. Time is zero: each line contains its own.
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

// Feeds returns the owners under which the logs of the client's namespace are published: the namespace itself and,
// where a nexlet may not publish there, the "feed" in the metadata of its list.
func (c *Client) Feeds(ctx context.Context) ([]string, error) {
	owners := []string{c.namespace}
	if c.namespace == wire.System {
		owners = []string{"*"}
	}
	all, err := c.List(ctx)
	for _, w := range all {
		if f := w.Metadata["feed"]; f != "" && !slices.Contains(owners, f) {
			owners = append(owners, f)
		}
	}
	return owners, err
}
