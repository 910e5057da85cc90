package fences_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"natster/events"
	"natster/internal/test/wait"
)

// A tap hears all that is published in an account.
type tap struct {
	account events.Account
	name    string
	from    []*nats.Conn // at each server: what was sent there before is heard before what is sent here

	mu    sync.Mutex
	heard map[string]int
	ends  chan string
}

// listen begins to hear what is published in an account.
func (s *stage) listen(t *testing.T, name string, account events.Account) *tap {
	t.Helper()
	l := &tap{account: account, name: name, heard: make(map[string]int), ends: make(chan string, 1)}
	creds := s.owner(t, account)
	for i := range s.servers {
		l.from = append(l.from, s.connect(t, i, creds))
	}
	nc := l.from[s.servers-1]
	for _, subject := range []string{">", events.FeedLocal("*"), "natster.global-news.*"} {
		if _, err := nc.Subscribe(subject, l.hear); err != nil {
			t.Fatal(err)
		}
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	l.hears(t, nil) // every server knows of the subscription
	return l
}

const ending = mark + "end."

func (l *tap) hear(m *nats.Msg) {
	if strings.HasPrefix(m.Subject, ending) {
		l.ends <- m.Subject
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard[m.Subject]++
}

// hears tells which of the attacks were heard here. Importers hear a feed without the account in front of it.
func (l *tap) hears(t *testing.T, all []attack) []attack {
	t.Helper()
	heard := l.subjects(t)
	var some []attack
	for _, a := range all {
		_, local, _ := strings.Cut(a.subject, ".")
		if heard[a.subject] > 0 || strings.HasPrefix(local, "natster.global-") && heard[local] > 0 {
			some = append(some, a)
		}
	}
	return some
}

// subjects are all that was heard since they were asked for last, and how often, after all that was sent until now has
// been.
func (l *tap) subjects(t *testing.T) map[string]int {
	t.Helper()
	for _, nc := range l.from {
		end := ending + nats.NewInbox()
		// A server may hear late of a subscription.
		wait.For(t, "the end of what "+l.name+" hears", func() (string, error) {
			if err := nc.Publish(end, nil); err != nil {
				t.Fatal(err)
			}
			select {
			case s := <-l.ends:
				if s == end {
					return s, nil
				}
			case <-time.After(time.Second):
			}
			return "", errors.New("not heard")
		})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	heard := l.heard
	l.heard = make(map[string]int)
	return heard
}

// possessions are what JetStream has, but for what functions write by themselves: for each stream when it was made, the
// first of its messages, and its consumers.
func possessions(t *testing.T, js jetstream.JetStream) []string {
	t.Helper()
	var all []string
	streams := js.ListStreams(t.Context())
	for s := range streams.Info() {
		line := fmt.Sprintf("stream %s of %s", s.Config.Name, s.Created)
		if s.Config.Name == events.LogStream {
			line += fmt.Sprintf(" events %d to %d, %d in all, at most %d",
				s.State.FirstSeq, s.State.LastSeq, s.State.Msgs, s.Config.MaxMsgs)
		}
		all = append(all, line)
		stream, err := js.Stream(t.Context(), s.Config.Name)
		if errors.Is(err, jetstream.ErrStreamNotFound) { // an attack has just worked
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		consumers := stream.ConsumerNames(t.Context())
		for name := range consumers.Name() {
			all = append(all, consumerLine(s.Config.Name, name))
		}
		if err := consumers.Err(); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
			t.Fatal(err)
		}
	}
	if err := streams.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

func consumerLine(stream, name string) string { return "consumer " + name + " of stream " + stream }
