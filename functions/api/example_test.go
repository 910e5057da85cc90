package api_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"natster/deploy/world/embedded"
	"natster/events"
	"natster/functions/api"
)

// Alice shares a catalog with Bob. Both ask the functions of a world, each over a connection of their own account.
func ExampleClient() {
	must := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "natster-example")
	must(err)
	defer func() { must(os.RemoveAll(dir)) }()
	w, err := embedded.Start(ctx, embedded.Config{Dir: dir, Listen: "127.0.0.1:0", WebSocket: "127.0.0.1:0"})
	must(err)
	defer func() { must(w.Stop(ctx)) }()
	join := func(name string) (events.Account, *api.Client) {
		e, err := w.Keeper().Enrol(ctx, name)
		must(err)
		nc, err := w.Info().Connect(ctx, e.Creds)
		must(err)
		c := api.NewClient(nc)
		must(c.Initialize(ctx, e.Account, "", name))
		return e.Account, c
	}
	alice, asAlice := join("alice")
	bob, asBob := join("bob")
	films, err := events.ParseCatalog("films")
	must(err)

	// A client reads its own writes.
	must(asAlice.Share(ctx, films, bob))
	verdict, err := api.Call(ctx, asAlice, api.ValidateName, "films")
	must(err)
	fmt.Println(verdict.Message)

	// Another client reads them when it has heard of their position, as the feed says it.
	asBob.Observe(asAlice.Position())
	shares, err := asBob.Shares(ctx)
	must(err)
	for _, s := range shares {
		if s.From == alice {
			fmt.Println("alice shares", s.Catalog, "with bob; online:", s.Online)
		}
	}

	// A refusal has a code, and is the sentinel of that code.
	err = asAlice.Imported(ctx, films, bob)
	if refusal, is := errors.AsType[*api.Error](err); is {
		fmt.Println(refusal.Code, errors.Is(err, api.ErrForbidden))
	}
	// Output:
	// you already share a catalog called films
	// alice shares films with bob; online: false
	// 403 true
}
