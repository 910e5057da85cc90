package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"natster/events"
	"natster/workloads/catalog"
	"natster/workloads/catalog/client"
)

// crowd compares a download of a quiet receiver with the same while another account holds a hundred sessions, and reads
// as fast as it can in all of them.
func crowd(ctx context.Context, l *lab) (_ []Result, err error) {
	size, rounds := 300_000_000, 3
	if l.quick {
		size, rounds = 30_000_000, 1
	}
	w, err := devrun(ctx, l, "crowd")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.stop()) }()
	alice, serving, err := w.owner(ctx, l, size)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, serving.stop()) }()
	bob, err := w.person(ctx, "bob")
	if err != nil {
		return nil, err
	}
	defer bob.nc.Close()
	reader, err := alice.befriend(ctx, w, bob)
	if err != nil {
		return nil, err
	}
	mallory, err := w.person(ctx, "mallory")
	if err != nil {
		return nil, err
	}
	defer mallory.nc.Close()
	if _, err := alice.befriend(ctx, w, mallory); err != nil {
		return nil, err
	}
	download := func() (time.Duration, error) {
		contents, err := reader.List(ctx, films)
		if err != nil {
			return 0, err
		}
		to := filepath.Join(alice.home, "downloaded")
		defer func() { err = errors.Join(err, os.RemoveAll(to)) }()
		start := time.Now()
		_, err = reader.Download(ctx, films, contents.Entries, to, client.Options{})
		return time.Since(start), err
	}
	var alone, beside []time.Duration
	var told string
	for range rounds {
		took, err := download()
		if err != nil {
			return nil, err
		}
		alone = append(alone, took)
		crowd, err := w.attacker(ctx, "crowd", mallory)
		if err != nil {
			return nil, err
		}
		took, err = download()
		if err != nil {
			return nil, errors.Join(err, crowd.stop())
		}
		beside = append(beside, took)
		if told, err = crowd.told(); err != nil {
			return nil, err
		}
	}
	a, b := median(alone), median(beside)
	return []Result{{
		Measure: "download of " + strconv.Itoa(size/1e6) + " MB of a quiet receiver while another holds " + told +
			", against alone",
		Got: rate(int64(size), b), Floor: rate(int64(size), a), Ratio: ratio(a, b), Target: 0.5,
	}}, nil
}

// sessions is how many the crowd tries to have.
const sessions = 100

// crowdRole opens sessions of the catalog films, as many as it gets, and reads in all of them until standard input
// ends. Then it tells how many it had, and how fast they were together.
func crowdRole(ctx context.Context, args []string) error {
	nc, err := connectAs(ctx, args)
	if err != nil {
		return err
	}
	defer nc.Close()
	me, err := events.ParseAccount(args[1])
	if err != nil {
		return err
	}
	c := client.New(client.Config{Conn: nc, Account: me})
	contents, err := c.List(ctx, films)
	if err != nil {
		return err
	}
	var held, got atomic.Int64
	var busy sync.WaitGroup
	ctx, stop := context.WithCancel(ctx)
	began := time.Now()
	first := make(chan bool, sessions)
	for range sessions {
		busy.Go(func() { readForEver(ctx, c, contents.Entries[0], &held, &got, first) })
	}
	for range sessions { // each has one, or was refused one
		<-first
	}
	err = untilEOF()
	had, speed := held.Load(), rate(got.Load(), time.Since(began))
	stop()
	busy.Wait()
	fmt.Printf("%d sessions at %s in all\n", had, speed)
	return err
}

// readForEver opens the file and reads it, again and again.
func readForEver(ctx context.Context, c *client.Client, e catalog.Entry, held, got *atomic.Int64, first chan<- bool) {
	for ctx.Err() == nil {
		f, err := c.Open(ctx, films, e)
		select {
		case first <- err == nil:
		default:
		}
		if err != nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		held.Add(1)
		_, _ = io.Copy(counting{got}, f.NewReader(ctx)) // however it ends, it begins again
		held.Add(-1)
		_ = f.Close()
	}
}

// counting counts what is written.
type counting struct{ n *atomic.Int64 }

func (c counting) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}
