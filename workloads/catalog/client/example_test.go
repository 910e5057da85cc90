package client_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"natster/deploy/accounts"
	"natster/deploy/world/embedded"
	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog/client"
	"natster/workloads/catalog/library"
	"natster/workloads/catalog/server"
)

// Two friends in a world of their own: Alice serves a directory, Bob imports it and downloads what it lists.
func ExampleClient() {
	must := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	ctx, end := context.WithCancel(context.Background())
	defer end()
	dir, err := os.MkdirTemp("", "natster-example")
	must(err)
	defer func() { must(os.RemoveAll(dir)) }()
	films := filepath.Join(dir, "films")
	must(os.Mkdir(films, 0o700))
	must(os.WriteFile(filepath.Join(films, "hello.txt"), []byte("hello, bob"), 0o600))

	// The world, two accounts, and an import: what a friendship is made of.
	w, err := embedded.Start(ctx, embedded.Config{
		Dir: filepath.Join(dir, "world"), Listen: "127.0.0.1:0", WebSocket: "127.0.0.1:0",
	})
	must(err)
	defer func() { must(w.Stop(context.Background())) }()
	name, err := events.ParseCatalog("films")
	must(err)
	alice, err := w.Keeper().Enrol(ctx, "alice")
	must(err)
	bob, err := w.Keeper().Enrol(ctx, "bob")
	must(err)
	must(w.Keeper().Import(ctx, bob.Account, accounts.Import{Catalog: name, Owner: alice.Account}))

	// Alice shares the catalog and serves it.
	owner, err := w.Info().Connect(ctx, alice.Creds)
	must(err)
	defer owner.Close()
	shares := api.NewClient(owner)
	must(shares.Initialize(ctx, alice.Account, "", "alice"))
	friend, err := w.Info().Connect(ctx, bob.Creds)
	must(err)
	defer friend.Close()
	must(api.NewClient(friend).Initialize(ctx, bob.Account, "", "bob"))
	must(shares.Share(ctx, name, bob.Account))
	lib, err := library.Open(ctx, library.Config{Dir: films, Name: name})
	must(err)
	_, err = lib.Scan(ctx)
	must(err)
	serving, stop := context.WithCancel(ctx)
	ready, served := make(chan struct{}), make(chan error, 1)
	go func() {
		served <- server.Serve(serving, server.Config{
			Conn: owner, Account: alice.Account, Catalogs: []server.Library{lib}, Shares: shares,
		}, func(*server.Server) { close(ready) })
	}()
	<-ready

	// Bob lists it and downloads all.
	nc, err := w.Info().Connect(ctx, bob.Creds)
	must(err)
	defer nc.Close()
	c := client.New(client.Config{Conn: nc, Account: bob.Account})
	contents, err := c.List(ctx, name)
	must(err)
	for _, e := range contents.Entries {
		fmt.Println(e.Path, e.Size, e.MIMEType)
	}
	result, err := c.Download(ctx, name, contents.Entries, filepath.Join(dir, "bob"), client.Options{})
	must(err)
	text, err := os.ReadFile(filepath.Join(dir, "bob", "hello.txt"))
	must(err)
	fmt.Printf("%d file: %s\n", result.Files, text)

	stop()
	must(<-served)
	// Output:
	// hello.txt 10 text/plain
	// 1 file: hello, bob
}
