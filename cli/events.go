package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/urfave/cli/v2"

	"natster/cli/contexts"
	"natster/cli/term"
	"natster/deploy/accounts"
	"natster/events"
)

func eventsCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "events",
		Usage:    "follow the event log of a world on this machine",
		Category: categoryLook,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "last", Aliases: []string{"n"}, Usage: "begin with the last `N` events", Value: 10},
			&cli.Uint64Flag{Name: "from", Usage: "begin with event number `POSITION` instead"},
			&cli.BoolFlag{Name: "no-follow", Usage: "end when all there is has been printed"},
			worldFlag(),
		},
		Description: `What happened, in the order in which it did, until Ctrl-C. With --json each event is a line.

   natster events
   natster events --from 1 --no-follow --json`,
		Action: args(0, 0, func(ctx context.Context, c *cli.Context, _ []string) error {
			nc, keeper, err := e.administer(ctx, c.String("world"))
			if err != nil {
				return err
			}
			defer nc.Close()
			defer e.Stdout.WatchReader(ctx)()
			n, err := e.narrator(keeper)
			if err != nil {
				return err
			}
			return n.follow(ctx, nc, c.Uint64("from"), c.Int("last"), !c.Bool("no-follow"))
		}),
	}
}

// A narrator prints events as sentences.
type narrator struct {
	*env
	contacts contexts.Contacts // and the names that the world's keeper knows
}

func (e *env) narrator(keeper *accounts.Operator) (*narrator, error) {
	contacts, err := e.contacts()
	if err != nil {
		return nil, err
	}
	all, _, err := keeper.Accounts()
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		if a.Name != "" {
			contacts = append(contacts, contexts.Contact{Name: a.Name, Account: a.Account})
		}
	}
	return &narrator{e, contacts}, nil
}

// follow prints the log from a position on, or its last events, and then, if goOn, what comes until ctx is done.
func (n *narrator) follow(ctx context.Context, nc *nats.Conn, from uint64, last int, goOn bool) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	stream, err := js.Stream(ctx, events.LogStream)
	if err != nil {
		return fmt.Errorf("the event log: %w", err)
	}
	end := stream.CachedInfo().State.LastSeq
	if from == 0 {
		from = max(end, uint64(max(last, 0))) - uint64(max(last, 0)) + 1
	}
	if !goOn && from > end {
		return nil
	}
	consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(from, 1),
	})
	if err != nil {
		return fmt.Errorf("the event log: %w", err)
	}
	messages, err := consumer.Messages()
	if err != nil {
		return fmt.Errorf("the event log: %w", err)
	}
	defer messages.Stop()
	defer context.AfterFunc(ctx, messages.Stop)()
	for {
		m, err := messages.Next()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return fmt.Errorf("the event log: %w", err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("the event log: %w", err)
		}
		if err := n.printEvent(m, meta.Sequence.Stream); err != nil {
			return err
		}
		if !goOn && meta.Sequence.Stream >= end {
			return nil
		}
	}
}

// An eventRow is an event as JSON has it.
type eventRow struct {
	Position uint64          `json:"position"`
	Time     time.Time       `json:"time"`
	ID       string          `json:"id"`
	Type     events.Type     `json:"type"`
	From     events.Account  `json:"from,omitzero"`
	To       events.Account  `json:"to,omitzero"`
	Catalog  events.Catalog  `json:"catalog,omitzero"`
	Data     json.RawMessage `json:"data,omitempty"` // as it is in the log
}

func (n *narrator) printEvent(m jetstream.Msg, position uint64) error {
	ev, err := events.Decode(m.Subject(), m.Headers(), m.Data())
	if errors.Is(err, events.ErrEvent) {
		n.Note("%s", n.Err.Red(fmt.Sprintf("event %d cannot be read: %s", position, term.OneLine(err.Error()))))
		return nil
	}
	if err != nil {
		return err
	}
	row := eventRow{position, ev.Time.UTC(), ev.ID, ev.Type, ev.Origin, ev.Target, ev.Catalog, ev.Data}
	return n.PrintLine(row, func() {
		at := n.Out.Dim(ev.Time.Local().Format(time.DateTime))
		n.Say("%s  %s  %s", n.Out.Dim(fmt.Sprintf("%6d", position)), at, n.sentence(ev))
	})
}

func (n *narrator) sentence(ev events.Event) string {
	who, other, what := n.Out.Bold(n.who(ev.Origin)), n.Out.Bold(n.who(ev.Target)), n.Out.Cyan(ev.Catalog.String())
	switch ev.Type {
	case events.Initialized:
		return who + " joined"
	case events.Claimed:
		d, err := events.DataAs[events.ClaimedData](ev)
		if err != nil {
			return "the name " + what + " got an owner"
		}
		return "the name " + what + " belongs to " + n.Out.Bold(n.who(d.Owner)) + " from now on"
	case events.Shared:
		return who + " shares " + what + " with " + other
	case events.Unshared:
		return who + " no longer shares " + what + " with " + other
	case events.Imported:
		return who + " imported " + what + " of " + other
	case events.Bound:
		return who + " logged in on the website for the first time"
	}
	return fmt.Sprintf("%s: %s, %s, %s", term.Quoted(string(ev.Type)), who, other, what)
}

func (n *narrator) who(a events.Account) string {
	if a.IsZero() {
		return "nobody"
	}
	return n.contacts.Name(a)
}
