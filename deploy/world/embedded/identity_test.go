package embedded_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"natster/events"
	"natster/internal/test/eventstest"
	"natster/internal/test/wait"
)

func TestACatalogsOwnerSeesWhoAsks(t *testing.T) {
	w := bare(t)
	alice, bob := w.Account("alice"), w.Account("bob")
	films := eventstest.Catalog(t, "films")
	requests := subscribe(t, alice.Conn(t), events.CatalogService(films, events.VerbGet))
	media := subscribe(t, bob.Conn(t), events.MediaSubject(events.Account{}, films, "s"))
	w.Import(bob, films, alice) // also what is subscribed to already comes through

	publish(t, bob.Conn(t), events.CatalogSubject(films, events.VerbGet), "?")
	caller, _, err := events.Caller(wait.Message(t, requests).Subject)
	if err != nil || caller != bob.Key {
		t.Errorf("the caller is %s, %v; want bob, %s", caller, err, bob.Key)
	}
	publish(t, alice.Conn(t), events.MediaSubject(bob.Key, films, "s"), "chunk")
	if m := wait.Message(t, media); string(m.Data) != "chunk" {
		t.Errorf("bob received %q", m.Data)
	}
}

func TestFunctionsSeeWhoAsksAndTheFeedReachesOneAccount(t *testing.T) {
	w := bare(t)
	alice, bob := w.Account("alice"), w.Account("bob")
	global, feed := w.In(w.Accounts().Global), w.In(w.Accounts().Feed)
	requests := subscribe(t, global, events.GlobalService("whoami"))
	toAlice, toBob := subscribe(t, alice.Conn(t), events.NewsLocal), subscribe(t, bob.Conn(t), events.NewsLocal)
	for who, nc := range map[events.Account]*nats.Conn{
		alice.Key: alice.Conn(t), w.Accounts().Hub: connected(t, w.Hub), w.Accounts().Site: connected(t, w.Site),
	} {
		publish(t, nc, events.GlobalSubject("whoami"), "")
		if caller, _, err := events.Caller(wait.Message(t, requests).Subject); err != nil || caller != who {
			t.Errorf("the caller is %s, %v; want %s", caller, err, who)
		}
	}
	publish(t, feed, events.FeedSubject(bob.Key, events.FeedShared), "for bob")
	publish(t, feed, events.FeedSubject(alice.Key, events.FeedShared), "for alice")
	if m := wait.Message(t, toBob); string(m.Data) != "for bob" {
		t.Errorf("bob hears %q", m.Data)
	}
	if m := wait.Message(t, toAlice); string(m.Data) != "for alice" {
		t.Errorf("alice hears %q", m.Data)
	}
}

func TestWithoutAnImportNothingIsReached(t *testing.T) {
	w := bare(t)
	alice, bob, carol := w.Account("alice"), w.Account("bob"), w.Account("carol")
	films, books := eventstest.Catalog(t, "films"), eventstest.Catalog(t, "books")
	w.Import(bob, films, alice)
	answers(t, alice.Conn(t), "*.natster.catalog.>", "alice's")
	for _, a := range []events.Account{w.Accounts().Global, w.Accounts().Data, w.Accounts().Feed} {
		answers(t, w.In(a), ">", "the world's")
	}

	if _, err := request(t, bob.Conn(t), events.CatalogSubject(films, events.VerbGet), ""); err != nil {
		t.Errorf("what is imported: %v", err)
	}
	wantNoResponder(t, bob.Conn(t), events.CatalogSubject(books, events.VerbGet))
	wantNoResponder(t, carol.Conn(t), events.CatalogSubject(films, events.VerbGet))
	for _, subject := range []string{
		events.LogAll[:len(events.LogAll)-1] + "x", // the log
		"$KV.shares.x", // a projection
		events.InternalSubject("x"),
		bob.Key.String() + ".natster.global.whoami", // as the functions see it
		"$SYS.REQ.CLAIMS.UPDATE",
	} {
		wantNoResponder(t, carol.Conn(t), subject)
	}

	js, err := jetstream.New(carol.Conn(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.AccountInfo(t.Context()); !errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) {
		t.Errorf("JetStream of a user's own: %v", err)
	}

	// An import taken back is gone at once, and so is what was subscribed to through it.
	media := subscribe(t, bob.Conn(t), events.MediaSubject(events.Account{}, films, "*"))
	if err := w.Keeper().Unimport(t.Context(), bob.Key, films); err != nil {
		t.Fatal(err)
	}
	wantNoResponder(t, bob.Conn(t), events.CatalogSubject(films, events.VerbGet))
	publish(t, alice.Conn(t), events.MediaSubject(bob.Key, films, "s"), "chunk")
	publish(t, bob.Conn(t), events.MediaSubject(events.Account{}, films, "end"), "bob's own")
	if m := wait.Message(t, media); string(m.Data) != "bob's own" {
		t.Errorf("bob received %q without an import", m.Data)
	}
}

// An import that names another account's key where the server puts the importer's is worth nothing, even one that the
// operator signed.
func TestAForgedImportGivesNoAccess(t *testing.T) {
	films := eventstest.Catalog(t, "films")
	for name, forgedKey := range map[string]func(victim events.Account) string{
		"another's key": func(victim events.Account) string { return victim.String() },
		"a wildcard":    func(events.Account) string { return "*" },
	} {
		t.Run(name, func(t *testing.T) {
			w := bare(t)
			alice, bob, mallory := w.Account("alice"), w.Account("bob"), w.Account("mallory")
			w.Import(bob, films, alice)
			as := forgedKey(bob.Key)
			w.Forge(mallory.Key,
				&jwt.Import{Name: "a", Type: jwt.Service, Account: alice.Key.String(),
					Subject:      jwt.Subject(as + ".natster.catalog.films.>"),
					LocalSubject: localOf(as, "natster.catalog.films.>")},
				&jwt.Import{Name: "b", Type: jwt.Stream, Account: alice.Key.String(),
					Subject:      jwt.Subject(as + ".natster.media.films.*"),
					LocalSubject: localOf(as, "natster.media.films.*")},
				&jwt.Import{Name: "c", Type: jwt.Service, Account: w.Accounts().Global.String(),
					Subject: jwt.Subject(as + ".natster.global.>"), LocalSubject: localOf(as, "forged.global.>")},
				&jwt.Import{Name: "d", Type: jwt.Stream, Account: w.Accounts().Feed.String(),
					Subject:      jwt.Subject(as + ".natster.global-events.*"),
					LocalSubject: localOf(as, "forged.events.*")},
				&jwt.Import{Name: "forged_news", Type: jwt.Stream, Account: w.Accounts().Feed.String(),
					Subject: jwt.Subject(as + ".natster.global-news.*"), LocalSubject: localOf(as, "forged.news.*")},
			)
			global, feed := w.In(w.Accounts().Global), w.In(w.Accounts().Feed)
			aliceHears := subscribe(t, alice.Conn(t), "*.natster.catalog.>")
			globalHears := subscribe(t, global, "*.natster.global.>")
			malloryHears := subscribe(t, mallory.Conn(t), ">")

			for _, prefix := range []string{"", bob.Key.String() + "."} {
				publish(t, mallory.Conn(t), prefix+"natster.catalog.films.get", "forged")
				publish(t, mallory.Conn(t), prefix+"forged.global.whoami", "forged")
				for range 2 { // mallory hears herself
					wait.Message(t, malloryHears)
				}
			}
			publish(t, bob.Conn(t), "natster.catalog.films.get", "bob's")
			publish(t, bob.Conn(t), "natster.global.whoami", "bob's")
			for _, sub := range []*nats.Subscription{aliceHears, globalHears} {
				m := wait.Message(t, sub)
				if string(m.Data) != "bob's" || !strings.HasPrefix(m.Subject, bob.Key.String()) {
					t.Errorf("%s heard %q on %s", sub.Subject, m.Data, m.Subject)
				}
			}
			publish(t, alice.Conn(t), events.MediaSubject(bob.Key, films, "s"), "for bob")
			publish(t, feed, events.FeedSubject(bob.Key, events.FeedShared), "for bob")
			publish(t, mallory.Conn(t), "mallory", "her own")
			if m := wait.Message(t, malloryHears); string(m.Data) != "her own" {
				t.Errorf("mallory heard %q on %s", m.Data, m.Subject)
			}
		})
	}
}

// What forging gets nobody, the same import with the account's own key does: so it is the key that decides.
func TestAnImportWithTheAccountsOwnKeyIsTheControlOfTheForgedOne(t *testing.T) {
	w := bare(t)
	alice, mallory := w.Account("alice"), w.Account("mallory")
	own := mallory.Key.String()
	w.Forge(mallory.Key,
		&jwt.Import{Name: "a", Type: jwt.Service, Account: alice.Key.String(),
			Subject: jwt.Subject(own + ".natster.catalog.films.>"), LocalSubject: "natster.catalog.films.>"},
		&jwt.Import{Name: "b", Type: jwt.Stream, Account: alice.Key.String(),
			Subject: jwt.Subject(own + ".natster.media.films.*"), LocalSubject: "natster.media.films.*"})
	aliceHears := subscribe(t, alice.Conn(t), "*.natster.catalog.>")
	malloryHears := subscribe(t, mallory.Conn(t), "natster.media.films.*")
	publish(t, mallory.Conn(t), "natster.catalog.films.get", "")
	publish(t, alice.Conn(t), own+".natster.media.films.s", "")
	if m := wait.Message(t, aliceHears); !strings.HasPrefix(m.Subject, own) {
		t.Errorf("heard on %s", m.Subject)
	}
	wait.Message(t, malloryHears)
}

// localOf is a local subject with as many wildcards as the forged one has.
func localOf(as, local string) jwt.RenamingSubject {
	if as == "*" {
		return jwt.RenamingSubject("*." + local)
	}
	return jwt.RenamingSubject(local)
}
