package client_test

import (
	"context"
	"errors"
	"testing"

	"natster/internal/test/catalogtest"
	"natster/workloads/catalog"
	"natster/workloads/catalog/client"
)

func TestADownloadWaitsForAnOwnerWhoWasThere(t *testing.T) {
	w := catalogtest.Start(t)
	_, stop := w.Serve(t)
	first := w.Library.Add("a", catalogtest.Content(3*chunk, 1))
	second := w.Library.Add("b", catalogtest.Content(3*chunk, 2))
	dir, waiting, ended := t.TempDir(), make(chan struct{}, 1), make(chan error, 1)
	go func() {
		_, err := bob(t, w).Download(t.Context(), films, []catalog.Entry{first, second}, dir, client.Options{
			Parallel: 1,
			Progress: func(p client.Progress) {
				switch {
				case p.Complete && p.Path == "a":
					if err := stop(); err != nil {
						t.Error(err)
					}
				case p.Phase == client.Waiting:
					select {
					case waiting <- struct{}{}:
					default:
					}
				}
			},
		})
		ended <- err
	}()
	select {
	case <-waiting:
	case err := <-ended:
		t.Fatalf("it does not wait: %v", err)
	}
	w.Serve(t)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	expectFile(t, dir, "b", catalogtest.Content(3*chunk, 2))
}

func TestOneCanWaitForAnOwnerWhoIsNotThereYet(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a", catalogtest.Content(3*chunk, 1))
	waiting := make(chan struct{})
	type answer struct {
		contents catalog.Contents
		err      error
	}
	answers := make(chan answer, 1)
	go func() {
		c, err := bob(t, w).Await(t.Context(), films, func() { close(waiting) })
		answers <- answer{c, err}
	}()
	ended, asked := make(chan error, 1), make(chan struct{}, 1)
	dir := t.TempDir()
	go func() {
		o := client.Options{Wait: true, Progress: func(client.Progress) {
			select {
			case asked <- struct{}{}:
			default:
			}
		}}
		_, err := bob(t, w).Download(t.Context(), films, []catalog.Entry{e}, dir, o)
		ended <- err
	}()
	<-waiting
	<-asked
	w.Serve(t)
	if a := <-answers; a.err != nil || len(a.contents.Entries) != 1 {
		t.Fatal(a.contents, a.err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	expectFile(t, dir, "a", catalogtest.Content(3*chunk, 1))
}

func TestWaitingEndsWhenItIsNotWantedAnyMore(t *testing.T) {
	w := catalogtest.Start(t)
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := bob(t, w).Await(ctx, films, cancel); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	e := catalog.Entry{Path: "a", Size: 1, Hash: [32]byte{1}}
	o := client.Options{Wait: true, Progress: func(client.Progress) { cancel() }}
	_, err := bob(t, w).Download(ctx, films, []catalog.Entry{e}, t.TempDir(), o)
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}
