package nextest

import (
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"natster/workloads/nexlet/wire"
)

// A Minter makes the credentials that a node hands out.
type Minter interface {
	Registration(n *Node, agent string) wire.ConnectionData
	Agent(n *Node, agent string) wire.ConnectionData
	Workload(n *Node, namespace, workload string) wire.ConnectionData
}

// urlOnly is Nex's default: the addresses of the servers and nothing else.
type urlOnly struct{ url string }

func (u urlOnly) data() wire.ConnectionData { return wire.ConnectionData{Servers: []string{u.url}} }

func (u urlOnly) Registration(*Node, string) wire.ConnectionData     { return u.data() }
func (u urlOnly) Agent(*Node, string) wire.ConnectionData            { return u.data() }
func (u urlOnly) Workload(*Node, string, string) wire.ConnectionData { return u.data() }

// SigningKey mints users of the node's account, who may do as little as Nex lets them.
type SigningKey struct {
	T       testing.TB
	URL     string
	Key     nkeys.KeyPair // signs users
	Account string
}

// Registration may register, and nothing else.
func (s SigningKey) Registration(n *Node, agent string) wire.ConnectionData {
	return s.mint([]string{wire.Register(n.ID, agent)}, []string{"_INBOX.>"}, 0)
}

// Agent may publish to its own feeds, which are under its id and no namespace, and answer its node.
func (s SigningKey) Agent(n *Node, agent string) wire.ConnectionData {
	return s.mint([]string{
		wire.Heartbeat(n.ID, agent),
		wire.Events(agent, "*"), wire.Logs(agent, "*", "stdout"), wire.Logs(agent, "*", "stderr"),
		"_INBOX.>",
	}, []string{
		wire.Start(n.ID, agent, "*"), wire.Stop(n.ID, "*"), wire.Get(n.ID, "*"), wire.Query(n.ID),
		wire.PingAgents(n.ID), wire.PingAgent(n.ID, agent), wire.SetLameduck(n.ID), wire.Find(n.cfg.Nexus, "*"),
		"$SRV.>", "_INBOX.>",
	}, 1)
}

// Workload may do nothing of use.
func (s SigningKey) Workload(_ *Node, namespace, _ string) wire.ConnectionData {
	return s.mint([]string{"_INBOX.>"}, []string{"$NEX.FEED." + namespace + ".logs.>", "_INBOX.>"}, 1)
}

func (s SigningKey) mint(publish, subscribe []string, responses int) wire.ConnectionData {
	s.T.Helper()
	user, err := nkeys.CreateUser()
	if err != nil {
		s.T.Fatal(err)
	}
	public, err := user.PublicKey()
	if err != nil {
		s.T.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		s.T.Fatal(err)
	}
	c := jwt.NewUserClaims(public)
	c.IssuerAccount = s.Account
	c.Expires = time.Now().AddDate(1, 0, 0).Unix()
	c.Pub.Allow, c.Sub.Allow = publish, subscribe
	if responses > 0 {
		c.Resp = &jwt.ResponsePermission{MaxMsgs: responses}
	}
	token, err := c.Encode(s.Key)
	if err != nil {
		s.T.Fatal(err)
	}
	return wire.ConnectionData{Servers: []string{s.URL}, JWT: token, Seed: string(seed)}
}
