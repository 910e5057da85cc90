package accounts_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"natster/deploy/accounts"
	"natster/deploy/world"
	"natster/events"
	"natster/functions/api"
	"natster/internal/test/eventstest"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
	"natster/workloads/web/gate"
)

// gateway is the address of a proxy that the world's NATS server trusts, and that lets every user in.
func gateway(t *testing.T, w *worldtest.World) string {
	t.Helper()
	proxy, err := world.ProxyKey(w.Config().Dir)
	if err != nil {
		t.Fatal(err)
	}
	g, err := gate.New(gate.Config{NATS: w.WebSocketURL(), Sign: proxy.Sign})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.Serve(w, r, func(token string) (string, bool) {
			c, err := jwt.DecodeUserClaims(token)
			if err != nil {
				return "", false
			}
			return c.Subject, true
		})
	}))
	t.Cleanup(s.Close)
	return "ws" + strings.TrimPrefix(s.URL, "http")
}

// webUser makes a user of account a with a web key's seed, as websessions does, and connects as it over WebSocket.
func webUser(t *testing.T, w *worldtest.World, a *worldtest.Account, seed []byte, at string) (*nats.Conn, error) {
	t.Helper()
	signer, err := nkeys.FromSeed(seed)
	if err != nil {
		t.Fatal(err)
	}
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := user.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	c := jwt.NewUserClaims(public)
	c.IssuerAccount = a.Key.String()
	c.Expires = time.Now().Add(time.Hour).Unix()
	c.SetScoped(true)
	token, err := c.Encode(signer)
	if err != nil {
		t.Fatal(err)
	}
	own, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	creds, err := jwt.FormatUserConfig(token, own)
	if err != nil {
		t.Fatal(err)
	}
	return nats.Connect(at, nats.UserCredentialBytes(creds), nats.NoReconnect(),
		nats.CustomInboxPrefix("_INBOX."+public))
}

func webKey(t *testing.T, w *worldtest.World, a *worldtest.Account) []byte {
	t.Helper()
	seed, err := w.Keeper().AddWebKey(t.Context(), a.Key)
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

func TestAWebUserMayDoWhatTheTemplateSaysAndNothingElse(t *testing.T) {
	w := bare(t)
	alice := w.Account("alice")
	seed := webKey(t, w, alice)
	for _, at := range []string{w.URL(), w.WebSocketURL()} {
		if nc, err := webUser(t, w, alice, seed, at); err == nil {
			nc.Close()
			t.Errorf("a web user was let in at %s, without the website", at)
		}
	}
	refused := make(chan error, 16)
	nc, err := webUser(t, w, alice, seed, gateway(t, w))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err })
	for _, subject := range []string{
		events.GlobalSubject("otc.generate"), events.GlobalSubject("events.put"),
		events.GlobalSubject("heartbeats.put"),
		events.GlobalSubject("heartbeats.stop"), events.CatalogSubject(eventstest.Catalog(t, "films"), "other"),
		"natster.media.films.x", "natster.internal.events.x.catalog_shared",
		events.LocalHeartbeat, "_INBOX.x", "$SYS.REQ.USER.INFO",
		alice.Key.String() + ".natster.global.whoami",
	} {
		if err := nc.Publish(subject, nil); err != nil {
			t.Fatal(err)
		}
		if err := wait.Receive(t, "a refusal of "+subject, refused); !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("publish to %s: %v", subject, err)
		}
	}
	for _, subject := range []string{"_INBOX.>", ">", "*.natster.catalog.>", "natster.global.>"} {
		if _, err := nc.Subscribe(subject, func(*nats.Msg) {}); err != nil {
			t.Fatal(err)
		}
		if err := wait.Receive(t, "a refusal of "+subject, refused); !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("subscribe to %s: %v", subject, err)
		}
	}
	for _, subject := range []string{
		"natster.media.films.session", events.FeedLocal(events.FeedHeartbeat), events.NewsLocal, events.LocalHeartbeat,
	} {
		if _, err := nc.SubscribeSync(subject); err != nil {
			t.Fatal(err)
		}
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-refused:
		t.Errorf("what a page needs is refused: %v", err)
	default:
	}
}

func TestRevokedWebKeysEndTheirUsersAndNobodyElse(t *testing.T) {
	w := bare(t)
	alice, bob := w.Account("alice"), w.Account("bob")
	seed, other := webKey(t, w, alice), webKey(t, w, bob)
	nc, err := webUser(t, w, alice, seed, gateway(t, w))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	his, err := webUser(t, w, bob, other, gateway(t, w))
	if err != nil {
		t.Fatal(err)
	}
	defer his.Close()
	own := alice.Conn(t)
	closed := nc.StatusChanged(nats.CLOSED)
	began := time.Now()
	n, err := w.Keeper().RevokeWebKeys(t.Context(), alice.Key)
	if err != nil || n != 1 {
		t.Fatalf("revoked %d, %v", n, err)
	}
	wait.Receive(t, "the end of the web user's connection", closed)
	if took := time.Since(began); took > time.Second {
		t.Errorf("the web user was cut off after %v", took)
	}
	if nc, err := webUser(t, w, alice, seed, gateway(t, w)); err == nil {
		nc.Close()
		t.Error("a user of a revoked key was let in")
	}
	for _, nc := range []*nats.Conn{own, his} {
		if err := nc.Flush(); err != nil {
			t.Errorf("somebody else was cut off: %v", err)
		}
	}
	w.Restart(t)
	if nc, err := webUser(t, w, alice, seed, gateway(t, w)); err == nil {
		nc.Close()
		t.Error("a user of a revoked key was let in after a restart")
	}
}

func TestTheOldestWebKeyMakesRoom(t *testing.T) {
	w := bare(t)
	alice := w.Account("alice")
	first := webKey(t, w, alice)
	second := webKey(t, w, alice)
	for range accounts.MaxWebKeys - 1 {
		webKey(t, w, alice)
	}
	if nc, err := webUser(t, w, alice, first, gateway(t, w)); err == nil {
		nc.Close()
		t.Error("the oldest key still works")
	}
	nc, err := webUser(t, w, alice, second, gateway(t, w))
	if err != nil {
		t.Fatalf("the second oldest: %v", err)
	}
	nc.Close()
	if n, err := w.Keeper().RevokeWebKeys(t.Context(), alice.Key); err != nil || n != accounts.MaxWebKeys {
		t.Errorf("%d keys, %v; want %d", n, err, accounts.MaxWebKeys)
	}
	if _, err := w.Keeper().AddWebKey(t.Context(), events.Account{}); !errors.Is(err, accounts.ErrUnknownAccount) {
		t.Errorf("a key for nobody: %v", err)
	}
}

// What a user may not publish it could have others say: an answer is published in the asker's account, by whoever
// answers, wherever the asker said. So a session that may not share would have a friend's server answer with a share.
func TestAWebUserHasNoAnswerSentElsewhere(t *testing.T) {
	w := worldtest.Start(t)
	alice, mallory := w.Account("alice"), w.Account("mallory")
	for _, a := range []*worldtest.Account{alice, mallory} {
		if err := api.NewClient(a.Conn(t)).Initialize(t.Context(), a.Key, "", a.Name); err != nil {
			t.Fatal(err)
		}
	}
	films := eventstest.Catalog(t, "films")
	w.Import(alice, films, mallory)
	command, err := json.Marshal(api.PutRequest{
		EventType: string(events.Shared), Catalog: "films", Target: mallory.Key.String(),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := mallory.Conn(t)
	if _, err := server.Subscribe(events.CatalogService(films, events.VerbGet), func(m *nats.Msg) {
		if err := m.Respond(command); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	local, err := alice.Conn(t).SubscribeSync("alices.>")
	if err != nil {
		t.Fatal(err)
	}
	for _, nc := range []*nats.Conn{server, alice.Conn(t)} {
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	seed, at := webKey(t, w, alice), gateway(t, w)
	for _, reply := range []string{events.GlobalSubject("events.put"), "alices.own", "_INBOX.alices.own"} {
		nc, err := webUser(t, w, alice, seed, at)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		ask := events.CatalogSubject(films, events.VerbGet)
		if m, err := nc.Request(ask, nil, wait.Patience); err != nil || !bytes.Equal(m.Data, command) {
			t.Fatalf("a friend's catalog does not answer: %v", err)
		}
		ended := nc.StatusChanged(nats.CLOSED)
		if err := nc.PublishRequest(ask, reply, nil); err != nil {
			t.Fatal(err)
		}
		_ = nc.Flush()
		select {
		case <-ended:
		default:
			t.Errorf("an answer to %s is asked for, and the connection goes on", reply)
		}
	}
	if m, err := local.NextMsg(100 * time.Millisecond); err == nil {
		t.Errorf("alice is told %q at %s", m.Data, m.Subject)
	}
	shares, err := api.NewClient(alice.Conn(t)).Shares(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range shares {
		if s.From == alice.Key && s.To == mallory.Key {
			t.Errorf("a web session has shared %s", s.Catalog)
		}
	}
}
