package nextest

import (
	"net"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

// Server starts a NATS server that lets everybody in, on a port that nobody else has, and ends it with the test.
func Server(t testing.TB) *server.Server {
	t.Helper()
	return startServer(t, &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true})
}

// An Account is an account of a server in operator mode: who signs with its key makes users of it.
type Account struct {
	URL    string
	Public string
	Key    nkeys.KeyPair
	Creds  []byte // of a user who may do everything in it
}

// SecureServer starts a NATS server in operator mode with one account, and ends it with the test.
func SecureServer(t testing.TB) (*server.Server, Account) {
	t.Helper()
	fatal := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	operator, err := nkeys.CreateOperator()
	fatal(err)
	operatorPublic, err := operator.PublicKey()
	fatal(err)
	key, err := nkeys.CreateAccount()
	fatal(err)
	public, err := key.PublicKey()
	fatal(err)
	account := jwt.NewAccountClaims(public)
	account.Name = "nex"
	token, err := account.Encode(operator)
	fatal(err)
	operatorClaims := jwt.NewOperatorClaims(operatorPublic)
	resolver := &server.MemAccResolver{}
	fatal(resolver.Store(public, token))
	s := startServer(t, &server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true,
		TrustedOperators: []*jwt.OperatorClaims{operatorClaims}, TrustedKeys: []string{operatorPublic}[:0],
		AccountResolver: resolver,
	})
	user, err := nkeys.CreateUser()
	fatal(err)
	userPublic, err := user.PublicKey()
	fatal(err)
	userToken, err := jwt.NewUserClaims(userPublic).Encode(key)
	fatal(err)
	seed, err := user.Seed()
	fatal(err)
	creds, err := jwt.FormatUserConfig(userToken, seed)
	fatal(err)
	return s, Account{URL: s.ClientURL(), Public: public, Key: key, Creds: creds}
}

func startServer(t testing.TB, o *server.Options) *server.Server {
	t.Helper()
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server does not start")
	}
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	return s
}

// Restart stops a server that [Server] started and starts one like it at the same address.
func Restart(t testing.TB, s *server.Server) *server.Server {
	t.Helper()
	address, ok := s.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatal("the NATS server has no address")
	}
	s.Shutdown()
	s.WaitForShutdown()
	return startServer(t, &server.Options{Host: "127.0.0.1", Port: address.Port, NoLog: true, NoSigs: true})
}
