package fences_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"natster/deploy/accounts"
	"natster/deploy/world"
	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/internal/test/clustertest"
	"natster/internal/test/logtest"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
)

// A stage is where the attacks are made: one server, or three. There the functions and the leaders of all streams are
// at the first, attackers are at the second, and who is attacked listens at the third.
type stage struct {
	keeper  *accounts.Operator
	fns     []functions.Function
	js      jetstream.JetStream
	servers int
	connect func(t *testing.T, server int, creds accounts.Creds, o ...nats.Option) *nats.Conn
	alice   events.Account
	bob     events.Account
	people  map[string]*nats.Conn // alice and bob
}

// owner are the credentials of a user who may do everything in the account.
func (s *stage) owner(t *testing.T, a events.Account) accounts.Creds {
	t.Helper()
	creds, err := s.keeper.Owner(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return creds
}

// attacker connects at a server that no victim is at.
func (s *stage) attacker(t *testing.T, creds accounts.Creds, o ...nats.Option) *nats.Conn {
	t.Helper()
	refused := nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}) // is what the attacks must be
	return s.connect(t, s.servers/2, creds, append(o, refused)...)
}

func oneServer(t *testing.T) *stage {
	t.Helper()
	w := worldtest.Start(t)
	s := &stage{keeper: w.Keeper(), fns: w.Functions(), servers: 1}
	s.connect = func(t *testing.T, _ int, creds accounts.Creds, o ...nats.Option) *nats.Conn {
		t.Helper()
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
	s.introduce(t, alice.Key, bob.Key, alice.Conn(t), bob.Conn(t))
	return s
}

func threeServers(t *testing.T) *stage {
	t.Helper()
	c := clustertest.Start(t, 3)
	dir := t.TempDir()
	if err := world.CheckSeeds(dir); err != nil {
		t.Fatal(err)
	}
	fns := world.Functions(world.Settings{
		Accounts: c.Keeper.WellKnown(), HubCatalog: logtest.Catalog("natsterhub"), Keys: dir, World: dir,
	})
	c.Grant(t.TempDir(), fns...)
	c.Lead(0)
	c.Run(0, fns...)
	s := &stage{keeper: c.Keeper, fns: fns, js: c.JS, servers: c.Size()}
	s.connect = func(t *testing.T, server int, creds accounts.Creds, o ...nats.Option) *nats.Conn {
		t.Helper()
		nc := wait.For(t, "a connection", func() (*nats.Conn, error) { // servers learn of accounts one after the other
			return c.ConnectTo(server, creds, o...)
		})
		t.Cleanup(nc.Close)
		return nc
	}
	alice, _ := c.Enrol("alice")
	bob, _ := c.Enrol("bob")
	s.introduce(t, alice.Account, bob.Account, s.connect(t, 2, alice.Creds), s.connect(t, 2, bob.Creds))
	return s
}

// introduce initializes the people of the stage.
func (s *stage) introduce(t *testing.T, alice, bob events.Account, ofAlice, ofBob *nats.Conn) {
	t.Helper()
	s.alice, s.bob = alice, bob
	s.people = map[string]*nats.Conn{"alice": ofAlice, "bob": ofBob}
	initialize(t, alice, "alice", ofAlice)
	initialize(t, bob, "bob", ofBob)
}

func initialize(t *testing.T, who events.Account, name string, nc *nats.Conn) {
	t.Helper()
	client := api.NewClient(nc)
	// A server that has just learnt of an account may not know yet where who answers it is.
	wait.For(t, name+" is initialized", func() (any, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		err := client.Initialize(ctx, who, "", name)
		if errors.Is(err, api.ErrBadRequest) { // by an attempt that was not answered
			err = nil
		}
		return nil, err
	})
	wait.Eventually(t, name+" is given the hub's catalog", func() bool {
		shares, err := client.Shares(t.Context())
		return err == nil && len(shares) > 0
	})
}

// stranger is mallory, who has an account like all others and every right in it. What she may ask for is what the
// functions answer.
func (s *stage) stranger(t *testing.T) thief {
	t.Helper()
	e, err := s.keeper.Enrol(t.Context(), "mallory")
	if err != nil {
		t.Fatal(err)
	}
	f := functions.Function{Name: "mallory"}
	for _, g := range s.fns {
		public, _ := g.Endpoints()
		for _, subject := range public {
			_, local, _ := strings.Cut(subject, ".")
			f.Access.Calls = append(f.Access.Calls, local)
		}
	}
	th := thief{f: f, account: e.Account, nc: s.attacker(t, e.Creds)}
	initialize(t, e.Account, "mallory", th.nc)
	return th
}
