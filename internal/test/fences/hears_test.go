package fences_test

import (
	"slices"
	"strings"
	"testing"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/internal/test/wait"
)

// TestAFunctionsAccountHearsOnlyWhatTheFunctionIsAsked listens to everything, as a user with every right in the account
// of each function, while people do what people do: nobody hears a code, a share or an event that another function was
// told of.
func TestAFunctionsAccountHearsOnlyWhatTheFunctionIsAsked(t *testing.T) {
	s := oneServer(t)
	taps := make(map[string]*tap)
	for _, f := range s.fns {
		taps[f.Name] = s.listen(t, "the account of "+f.Name, accountOf(t, s.keeper, f))
	}
	s.live(t)
	for _, f := range s.fns {
		public, internal := f.Endpoints()
		own := slices.Concat(public, internal, f.Permissions().Publish,
			[]string{f.InboxPrefix() + ".>", "$SRV.>", "_R_.>"}) // answers are on their way out
		for _, tr := range f.Triggers {
			own = append(own, tr.Filters...)
		}
		heard := taps[f.Name].subjects(t)
		asked := 0
		for subject, n := range heard {
			if !slices.ContainsFunc(own, func(pattern string) bool { return covers(pattern, subject) }) {
				t.Errorf("%s heard %s", f.Name, subject)
			}
			if slices.ContainsFunc(public, func(pattern string) bool { return covers(pattern, subject) }) {
				asked += n
			}
		}
		if len(public) > 0 && f.Name != "websessions" && asked == 0 { // there is no web login
			t.Errorf("%s heard nothing of what it was asked: %v", f.Name, heard)
		}
	}
}

// live has alice and bob do what people do.
func (s *stage) live(t *testing.T) {
	t.Helper()
	ctx := wait.Context(t)
	alice, bob := api.NewClient(s.people["alice"]), api.NewClient(s.people["bob"])
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(alice.Share(ctx, films(), s.bob))
	bob.Observe(alice.Position())
	must(bob.Imported(ctx, films(), s.alice))
	for _, c := range []*api.Client{alice, bob} {
		_, err := c.Whoami(ctx)
		must(err)
		_, err = c.Shares(ctx)
		must(err)
		_, err = c.Totals(ctx)
		must(err)
		_, err = c.GenerateCode(ctx, api.Context{AccountPublicKey: s.alice})
		if c == alice {
			must(err)
		}
		_, err = api.Call(ctx, c, api.ListImports, api.None{})
		must(err)
	}
	_, err := api.Call(ctx, alice, api.PutHeartbeat, api.Heartbeat{Catalog: films(), Account: s.alice, Revision: 1})
	must(err)
	must(alice.Unshare(ctx, films(), s.bob))
}

// TestAnAnswerThatIsSentToAFunctionsOwnImportsIsHarmless has all that each function can read sent on to everything that
// the function may ask for. Where that has an effect at all, it is one that the function may have anyway: no stream and
// no consumer comes, goes or changes, and nobody else hears of it.
func TestAnAnswerThatIsSentToAFunctionsOwnImportsIsHarmless(t *testing.T) {
	s := oneServer(t)
	known := s.keeper.WellKnown()
	var taps []*tap
	for _, f := range s.fns {
		taps = append(taps, s.listen(t, "the account of "+f.Name, accountOf(t, s.keeper, f)))
	}
	for name, a := range map[string]events.Account{"alice": s.alice, "bob": s.bob, "who routes": known.Global} {
		taps = append(taps, s.listen(t, name, a))
	}
	for i, f := range s.fns {
		may := func(subject string) bool { // what comes of it may come late
			return slices.ContainsFunc(s.fns[:i+1], func(g functions.Function) bool { return mayAnyway(g, subject) })
		}
		account := accountOf(t, s.keeper, f)
		th := thief{f: f, account: account, nc: s.attacker(t, s.owner(t, account))}
		before := possessions(t, s.js)
		for _, subject := range th.requests() {
			th.try(t, attack{name: "answers itself", subject: subject})
		}
		th.settle(t)
		// The log grows if its writer says so.
		if after := possessions(t, s.js); !f.Access.AppendsLog && !slices.Equal(after, before) {
			t.Errorf("%s: there was\n%s\nand is\n%s", f.Name, strings.Join(before, "\n"), strings.Join(after, "\n"))
		}
		for _, l := range taps {
			for subject := range l.subjects(t) {
				if l.account != account && strings.Contains(subject, mark) && !may(subject) {
					t.Errorf("%s: %s heard %s", f.Name, l.name, subject)
				}
			}
		}
	}
}
