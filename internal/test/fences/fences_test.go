package fences_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"natster/deploy/accounts"
	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/internal/jet"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
)

// A stage is where the attacks are made: one server, or three.
type stage struct {
	keeper  *accounts.Operator
	fns     []functions.Function
	js      jetstream.JetStream
	connect func(accounts.Creds, ...nats.Option) *nats.Conn
	alice   events.Account
	bob     events.Account
	people  map[string]*nats.Conn // alice and bob
}

func TestAFunctionsCredentialsReachNothingOfOthers(t *testing.T) {
	w := worldtest.Start(t)
	s := &stage{keeper: w.Keeper(), fns: w.Functions(), people: make(map[string]*nats.Conn)}
	s.connect = func(creds accounts.Creds, o ...nats.Option) *nats.Conn {
		nc, err := w.ConnectAs(t.Context(), creds, o...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		return nc
	}
	admin, err := w.Admin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	if s.js, err = jetstream.New(admin); err != nil {
		t.Fatal(err)
	}
	alice, bob := w.Account("alice"), w.Account("bob")
	s.alice, s.bob = alice.Key, bob.Key
	for _, a := range []*worldtest.Account{alice, bob} {
		s.people[a.Name] = a.Conn(t)
		if err := api.NewClient(a.Conn(t)).Initialize(t.Context(), a.Key, "", a.Name); err != nil {
			t.Fatal(err)
		}
	}
	s.attackAll(t)
}

// attackAll makes every attack with the credentials of every function.
func (s *stage) attackAll(t *testing.T) {
	t.Helper()
	known := s.keeper.WellKnown()
	refused := nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}) // is what the attacks must be
	owner := func(a events.Account, o ...nats.Option) *nats.Conn {
		creds, err := s.keeper.Owner(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		return s.connect(creds, o...)
	}
	news, err := s.people["bob"].SubscribeSync(events.FeedLocal(events.FeedShared))
	if err != nil {
		t.Fatal(err)
	}
	if err := api.NewClient(s.people["alice"]).Share(t.Context(), films(), s.bob); err != nil {
		t.Fatal(err)
	}
	for said := ""; !strings.Contains(said, s.alice.String()); { // whatever bob is told from here on is an attack
		said = string(wait.Message(t, news).Data)
	}
	creds := credentials(t, s.keeper, s.fns)
	taps := []*tap{
		listen(t, "alice", s.alice, s.people["alice"]),
		listen(t, "bob", s.bob, s.people["bob"]),
		listen(t, "the account with JetStream", known.Data, owner(known.Data)),
		listen(t, "the account that routes", known.Global, owner(known.Global)),
		listen(t, "the servers' account", known.System, owner(known.System)),
	}
	for _, f := range s.fns {
		a := accountOf(t, s.keeper, f)
		taps = append(taps, listen(t, "the account of "+f.Name, a, owner(a)))
	}
	all := attacks(s.alice, s.bob, s.fns)
	// Who calls other functions is answered by them in their own time, in its own account, in which whoever comes later
	// is not looked for: so these come last.
	slices.SortStableFunc(s.fns, func(f, g functions.Function) int {
		return min(len(f.Access.Calls), 1) - min(len(g.Access.Calls), 1)
	})
	answered := make(map[events.Account]bool)
	for _, f := range s.fns {
		account := accountOf(t, s.keeper, f)
		itself := s.connect(creds[f.Name], refused, nats.CustomInboxPrefix(f.InboxPrefix()))
		for _, user := range []struct {
			as string
			nc *nats.Conn
		}{{"as itself", itself}, {"with every right in its account", owner(account, refused)}} {
			held := t.Run(f.Name+" "+user.as, func(t *testing.T) {
				th := thief{f: f, account: account, nc: user.nc}
				before := possessions(t, s.js)
				var tried []attack
				for _, a := range all {
					if !mayAnyway(f, a.subject) {
						th.try(t, a)
						tried = append(tried, a)
					}
				}
				if len(tried) < len(all)/2 {
					t.Errorf("only %d of %d attacks were tried", len(tried), len(all))
				}
				th.settle(t)
				for _, l := range taps {
					for _, a := range l.hears(t, tried) {
						if l.account == account || answered[l.account] {
							continue // what it sends, or sent, to itself
						}
						// Every account's requests to JetStream pass here; they concern the asker's own account.
						if l.account == known.System && strings.HasPrefix(a.subject, string(jet.Own)) {
							continue
						}
						t.Errorf("%s: %s heard %s", a.name, l.name, a.subject)
					}
				}
				if after := possessions(t, s.js); !slices.Equal(after, before) {
					t.Errorf("there was\n%s\nand is\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
				}
			})
			if !held {
				return // of a world that was broken into the others would tell nothing
			}
		}
		answered[account] = len(f.Access.Calls) > 0
	}
}

// TestTheAttacksWorkWhereThereIsNoFence shows that the table above would see them: whoever reads a stream in the
// account that owns JetStream reaches everything there.
func TestTheAttacksWorkWhereThereIsNoFence(t *testing.T) {
	w := worldtest.Start(t)
	admin, err := w.Admin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	js, err := jetstream.New(admin)
	if err != nil {
		t.Fatal(err)
	}
	source, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "SOURCE", Subjects: []string{"source"}, AllowDirect: true, Storage: jetstream.MemoryStorage,
	})
	if err != nil {
		t.Fatal(err)
	}
	alice, bob := w.Account("alice"), w.Account("bob")
	if err := api.NewClient(alice.Conn(t)).Initialize(t.Context(), alice.Key, "", "alice"); err != nil {
		t.Fatal(err)
	}
	creds, err := w.Keeper().Admin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	robber, err := w.ConnectAs(t.Context(), creds)
	if err != nil {
		t.Fatal(err)
	}
	defer robber.Close()
	data := listen(t, "the account with JetStream", w.Accounts().Data, admin)
	for _, a := range attacks(alice.Key, bob.Key, w.Functions()) {
		before := possessions(t, js)
		if _, err := js.Publish(t.Context(), "source", []byte(a.body)); err != nil {
			t.Fatal(err)
		}
		ask := `{"last_by_subj":"source"}`
		if a.body == "" {
			ask = `{"seq":999999999}`
		}
		get := jet.Own.Subject("DIRECT.GET." + source.CachedInfo().Config.Name)
		if err := robber.PublishRequest(get, a.subject, []byte(ask)); err != nil {
			t.Fatal(err)
		}
		if _, err := robber.Request(get, []byte(ask), wait.Patience); err != nil {
			t.Fatal(err)
		}
		if heard := len(data.hears(t, []attack{a})) > 0; heard == a.server {
			t.Errorf("%s: heard %s: %v", a.name, a.subject, heard)
		}
		if harms(a, before) {
			wait.Eventually(t, a.name, func() bool { return !slices.Equal(before, possessions(t, js)) })
		}
	}
}

// harms tells whether something is made or gone after the attack, of what there was before.
func harms(a attack, before []string) bool {
	if consumer, deletes := strings.CutPrefix(a.subject, jet.Own.Subject("CONSUMER.DELETE.")); deletes {
		stream, name, _ := strings.Cut(consumer, ".")
		return slices.Contains(before, consumerLine(stream, name))
	}
	for _, verb := range []string{"STREAM.CREATE", "STREAM.DELETE", "CONSUMER.DURABLE.CREATE"} {
		if strings.HasPrefix(a.subject, jet.Own.Subject(verb)) {
			return true
		}
	}
	return false
}
