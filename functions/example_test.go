package functions_test

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"natster/functions"
	"natster/functions/api"
)

// A greeter is the instance of one run.
type greeter struct {
	functions.NoClose
	greeting string
}

func (g *greeter) greet(_ context.Context, _ *functions.Call, name api.Text) (string, error) {
	if name == "" {
		return "", api.Errorf(api.ErrBadRequest, "a name is missing")
	}
	return g.greeting + ", " + string(name), nil
}

// A function is declared, and a runner runs it. Here it is asked by an administrator; accounts ask over an import.
func ExampleRunner() {
	greet := api.Endpoint[api.Text, string]{Name: "greet", Internal: true}
	f := functions.Function{
		Name:     "greeter",
		Doc:      "greets whoever asks",
		Triggers: []functions.Trigger{functions.Request(greet, (*greeter).greet)},
		New: func(context.Context, functions.Host) (functions.Instance, error) {
			return &greeter{greeting: "hello"}, nil
		},
	}
	fmt.Println(f.Permissions().Subscribe[len(f.Permissions().Subscribe)-1])

	nc, stop := startNATS()
	defer stop()
	r, err := functions.NewRunner(f, functions.Config{Conn: nc})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()
	<-r.Ready()

	client := api.NewClient(nc)
	fmt.Println(api.Call(ctx, client, greet, "world"))
	fmt.Println(api.Call(ctx, client, greet, ""))
	cancel()
	fmt.Println(<-ended, r.Counts().Requests)
	// Output:
	// natster.internal.greet greeter
	// hello, world <nil>
	//  a name is missing
	// <nil> 2
}

// startNATS starts a NATS server inside the process.
func startNATS() (*nats.Conn, func()) {
	s, err := server.NewServer(&server.Options{DontListen: true, NoLog: true, NoSigs: true})
	if err != nil {
		panic(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		panic("the NATS server does not start")
	}
	nc, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		panic(err)
	}
	return nc, func() {
		nc.Close()
		s.Shutdown()
		s.WaitForShutdown()
	}
}
