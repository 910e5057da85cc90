package queries

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"natster/events"
	"natster/functions/api"
	"natster/functions/view"
	"natster/internal/test/eventstest"
)

func TestCursorsSayWhereTheNextPageBegins(t *testing.T) {
	for _, c := range []cursor{start(1), {3, sideBy, 1045}, {3, sideTo, math.MaxUint64}} {
		if got, err := parseCursor(c.String()); err != nil || got != c {
			t.Errorf("%s is read as %s, %v", c, got, err)
		}
	}
	for _, s := range []string{
		"", "1", "1:by", "1:by:", "1:by:0", "1:by:-1", ":by:1", "1:of:1", "1:by:1:1", "1:by:1.5", "1:by:*", "1:by:>",
		"x:by:1", "1:BY:1", "1:by:18446744073709551616", "99999999999999999999:by:1", strings.Repeat("1", 1<<15),
		"1:by:1\x00", "1::1",
	} {
		if c, err := parseCursor(s); !errors.Is(err, api.ErrBadRequest) {
			t.Errorf("%.40q passes for %s: %v", s, c, err)
		}
	}
}

func TestPagesGoThroughBothSides(t *testing.T) {
	c, done := start(7), false
	var trail []string
	for _, next := range []uint64{10, 20, 0, 5, 0} {
		trail = append(trail, c.String())
		c, done = c.then(next)
	}
	if got := strings.Join(trail, " "); got != "7:by:1 7:by:10 7:by:20 7:to:1 7:to:5" || !done {
		t.Errorf("%s, done %v", got, done)
	}
	if got := (cursor{7, sideTo, 9}).in(8); got != start(8) {
		t.Errorf("after a rebuild pages go on at %s", got)
	}
	if got := (cursor{7, sideTo, 9}).in(7); got != (cursor{7, sideTo, 9}) {
		t.Errorf("pages go on at %s", got)
	}
}

func FuzzParseCursor(f *testing.F) {
	for _, s := range []string{"1:by:1", "2:to:1044", "", "::", "1:by:0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := parseCursor(s)
		if err != nil {
			if !errors.Is(err, api.ErrBadRequest) {
				t.Fatal(err)
			}
			return
		}
		again, err := parseCursor(c.String())
		if err != nil || again != c {
			t.Fatalf("%q: %s, then %s, %v", s, c, again, err)
		}
	})
}

func TestAPageFitsIntoAMessage(t *testing.T) {
	longest := api.Share{From: eventstest.Account(t), To: eventstest.Account(t),
		Catalog: eventstest.Catalog(t, strings.Repeat("x", events.MaxCatalogName)),
		Online:  false, Revision: math.MinInt64, Imported: true}
	body, err := json.Marshal(longest)
	if err != nil {
		t.Fatal(err)
	}
	if len(body)+1 > maxShareSize {
		t.Errorf("a share can be %d bytes long", len(body)+1)
	}
	for _, c := range []struct {
		payload    int64
		limit, fit int
	}{
		{1 << 20, 0, maxInPage}, {1 << 20, 10, 10}, {1 << 20, 1 << 40, maxInPage},
		{64 << 10, 0, (64<<10 - replyMargin) / maxShareSize}, {1024, 0, 1}, {1024, 5, 1},
	} {
		if got := pageSize(c.limit, fitting(c.payload)); got != c.fit {
			t.Errorf("payload %d, limit %d: %d shares", c.payload, c.limit, got)
		}
		reply := int64(pageSize(c.limit, fitting(c.payload))*maxShareSize + replyMargin)
		if c.payload > 8<<10 && reply > c.payload {
			t.Errorf("payload %d, limit %d: a reply of %d bytes", c.payload, c.limit, reply)
		}
	}
}

func TestPresenceIsAskedOncePerCatalog(t *testing.T) {
	alice, bob := eventstest.Account(t), eventstest.Account(t)
	films, music := eventstest.Catalog(t, "films"), eventstest.Catalog(t, "music")
	keys := presenceKeys([]api.Share{
		{From: alice, To: bob, Catalog: films}, {From: alice, To: eventstest.Account(t), Catalog: films},
		{From: alice, To: bob, Catalog: music}, {From: bob, To: alice, Catalog: films},
	})
	want := []string{view.PresenceKey(alice, films), view.PresenceKey(alice, music), view.PresenceKey(bob, films)}
	if strings.Join(keys, " ") != strings.Join(want, " ") {
		t.Errorf("%v", keys)
	}
}

func TestTheUserInCredentials(t *testing.T) {
	issuer, err := nkeys.CreateAccount()
	if err != nil {
		t.Fatal(err)
	}
	newUser := func() (token, seed string) {
		user, err := nkeys.CreateUser()
		if err != nil {
			t.Fatal(err)
		}
		public, errP := user.PublicKey()
		raw, errS := user.Seed()
		token, errE := jwt.NewUserClaims(public).Encode(issuer)
		if err := errors.Join(errP, errS, errE); err != nil {
			t.Fatal(err)
		}
		return token, string(raw)
	}
	token, seed := newUser()
	_, other := newUser()
	format := func(token, seed string) string {
		c, err := jwt.FormatUserConfig(token, []byte(seed))
		if err != nil {
			t.Fatal(err)
		}
		return string(c)
	}
	for name, c := range map[string]struct{ creds, token, seed string }{
		"credentials":           {format(token, seed), token, seed},
		"with Windows newlines": {strings.ReplaceAll(format(token, seed), "\n", "\r\n"), token, seed},
		"none":                  {"", "", ""},
		"another's seed":        {strings.Replace(format(token, seed), seed, other, 1), "", ""},
		"only a token":          {token, "", ""},
		"only a seed":           {seed, "", ""},
		"something else":        {"hello", "", ""},
		"cut":                   {format(token, seed)[:200], "", ""},
		"hostile":               {strings.Repeat("-----BEGIN NATS USER JWT-----\n", 500), "", ""},
	} {
		gotToken, gotSeed := userOf(c.creds)
		if gotToken != c.token || gotSeed != c.seed {
			t.Errorf("%s: token %v, seed %v", name, gotToken == c.token, gotSeed == c.seed)
		}
	}
}
