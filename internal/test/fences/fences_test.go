package fences_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"natster/events"
	"natster/functions/api"
	"natster/internal/jet"
	"natster/internal/test/wait"
)

// The attacks come first, and then those that are made where there is no fence, which break the world.
func TestAFunctionsCredentialsReachNothingOfOthers(t *testing.T) {
	for name, start := range map[string]func(*testing.T) *stage{
		"on one server": oneServer, "on three servers": threeServers,
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			if t.Run("with fences", s.attackAll) {
				t.Run("without a fence all work", s.robAll)
			}
		})
	}
}

// attackAll makes every attack with the credentials of every function.
func (s *stage) attackAll(t *testing.T) {
	t.Helper()
	known := s.keeper.WellKnown()
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
		s.listen(t, "alice", s.alice),
		s.listen(t, "bob", s.bob),
		s.listen(t, "the account with JetStream", known.Data),
		s.listen(t, "the account that routes", known.Global),
		s.listen(t, "the servers' account", known.System),
	}
	for _, f := range s.fns {
		taps = append(taps, s.listen(t, "the account of "+f.Name, accountOf(t, s.keeper, f)))
	}
	attacked := make(map[events.Account]bool)
	attack := func(as string, th thief) bool {
		return t.Run(th.f.Name+" "+as, func(t *testing.T) { s.attackAs(t, th, taps, attacked) })
	}
	if !attack("as an account like all others", s.stranger(t)) {
		return // of a world that was broken into the others would tell nothing
	}
	for _, f := range s.fns {
		account := accountOf(t, s.keeper, f)
		itself := s.attacker(t, creds[f.Name], nats.CustomInboxPrefix(f.InboxPrefix()))
		if !attack("as itself", thief{f: f, account: account, nc: itself}) {
			return
		}
		owner := s.attacker(t, s.owner(t, account))
		if !attack("with every right in its account", thief{f: f, account: account, nc: owner}) {
			return
		}
		attacked[account] = true
	}
}

// attackAs makes every attack as the thief. Those of attacked have attacked before.
func (s *stage) attackAs(t *testing.T, th thief, taps []*tap, attacked map[events.Account]bool) {
	t.Helper()
	before := possessions(t, s.js)
	all := attacks(s.alice, s.bob, s.fns)
	var tried []attack
	for _, a := range all {
		if !mayAnyway(th.f, a.subject) {
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
			if l.account == th.account {
				continue // what it sends to itself
			}
			// Every account's requests to JetStream pass here; they concern the asker's own account.
			if l.account == s.keeper.WellKnown().System && strings.HasPrefix(a.subject, string(jet.Own)) {
				continue
			}
			if !attacked[l.account] || th.again(t, a, l) {
				t.Errorf("%s: %s heard %s", a.name, l.name, a.subject)
			}
		}
	}
	if after := possessions(t, s.js); !slices.Equal(after, before) {
		t.Errorf("there was\n%s\nand is\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
}

// robAll shows that the table above would see the attacks: whoever reads a stream in the account that owns JetStream
// reaches everything there.
func (s *stage) robAll(t *testing.T) {
	t.Helper()
	source, err := s.js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "SOURCE", Subjects: []string{"source"}, AllowDirect: true, Storage: jetstream.MemoryStorage,
	})
	if err != nil {
		t.Fatal(err)
	}
	creds, err := s.keeper.Admin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	robber := s.attacker(t, creds)
	data := s.listen(t, "the account with JetStream", s.keeper.WellKnown().Data)
	for _, a := range attacks(s.alice, s.bob, s.fns) {
		before := possessions(t, s.js)
		if _, err := s.js.Publish(t.Context(), "source", []byte(a.body)); err != nil {
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
			wait.Eventually(t, a.name, func() bool { return !slices.Equal(before, possessions(t, s.js)) })
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
