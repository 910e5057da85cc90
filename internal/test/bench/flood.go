package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"natster/deploy/world"
	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/internal/test/logtest"
)

// A flooder asks on so many connections, each with so many requests of each kind under way: whatever is answered, and
// be it with a refusal, is asked again at once.
const (
	floodConnections = 4
	floodUnderWay    = 64
)

// attacker starts a process of the role that acts in the name of the person. It has the lowest priority, as nearly as
// that can be had: whoever attacks a world does so from a machine of its own.
func (w *benchWorld) attacker(ctx context.Context, role string, p *person, args ...string) (*child, error) {
	creds := filepath.Join(w.dir, p.key.String()+".creds")
	if err := os.WriteFile(creds, p.creds, 0o600); err != nil {
		return nil, err
	}
	return spawnNicely(ctx, role, append([]string{w.dir, p.key.String(), creds}, args...)...)
}

// spawnNicely is spawn of a process that takes what others leave of the processors, on systems that have nice.
func spawnNicely(ctx context.Context, role string, args ...string) (*child, error) {
	nice, err := exec.LookPath("nice")
	if err != nil {
		return spawn(ctx, role, args...)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return spawnSelf(exec.CommandContext(ctx, nice, append([]string{"-n", "19", self, "role", role}, args...)...))
}

// connectAs connects to the world in args[0], as the account args[1], with the credentials in the file args[2].
func connectAs(ctx context.Context, args []string) (*nats.Conn, error) {
	info, err := world.Find(args[0])
	if err != nil {
		return nil, err
	}
	creds, err := os.ReadFile(args[2])
	if err != nil {
		return nil, err
	}
	return info.Connect(ctx, creds)
}

// floodRole floods the world with requests at the subjects args[3:], until standard input ends, and then prints how
// many requests it made, and how many were answered.
func floodRole(ctx context.Context, args []string) (err error) {
	ctx, stop := context.WithCancel(ctx)
	var asked, answered atomic.Int64
	var busy sync.WaitGroup
	defer busy.Wait()
	defer stop()
	for range floodConnections {
		nc, err := connectAs(ctx, args)
		if err != nil {
			return err
		}
		defer nc.Close()
		for _, subject := range args[3:] {
			for range floodUnderWay {
				busy.Go(func() {
					for ctx.Err() == nil {
						n := asked.Add(1)
						one, cancel := context.WithTimeout(ctx, time.Second)
						_, err := nc.RequestWithContext(one, subject, floodBody(subject, int(n)))
						cancel()
						if err == nil {
							answered.Add(1)
						}
					}
				})
			}
		}
	}
	err = untilEOF()
	fmt.Printf("%d asked, %d answered\n", asked.Load(), answered.Load())
	return err
}

// floodBody is a request that has the function do as much as it may.
func floodBody(subject string, n int) []byte {
	switch subject {
	case api.Put.Subject(), api.PutWeb.Subject():
		what := events.Shared
		if n%2 == 1 {
			what = events.Unshared
		}
		return fmt.Appendf(nil, `{"catalog":"flood","target":%q,"event_type":%q}`, logtest.Account(n/2%strangers), what)
	case api.PutHeartbeat.Subject(), api.StopHeartbeat.Subject():
		return fmt.Appendf(nil, `{"catalog":"flood%d","revision":%d}`, n, n)
	case api.ValidateName.Subject():
		return fmt.Appendf(nil, "flood%d", n)
	case api.Names.Subject(): // the largest that there is
		return append([]byte(`{"accounts":[]}`), bytes.Repeat([]byte(" "), 900_000)...)
	}
	return []byte("{}")
}

// everything are the subjects of all that an account can ask the functions.
func everything() (all []string) {
	for _, f := range world.Functions(world.Settings{}) {
		for _, t := range f.Triggers {
			if t.Kind == functions.KindRequest && !strings.HasPrefix(t.Name, "events.*") {
				all = append(all, events.GlobalSubject(t.Name))
			}
		}
	}
	return all
}

// told stops an attacker, and returns what it says of what it did.
func (c *child) told() (string, error) {
	if err := c.end(); err != nil {
		return "", err
	}
	line, err := c.line()
	return line, errors.Join(err, c.cmd.Wait())
}
