package nexlet_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/deploy/world"
	"natster/functions"
	"natster/internal/test/nexlettest"
	"natster/workloads/nexlet"
)

// The test binary is also the nexlet as a process of its own, and a parent that starts one, for tests that kill them.
func TestMain(m *testing.M) {
	switch os.Getenv("NEXLET_TEST_AS") {
	case "nexlet":
		if err := beNexlet(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "parent":
		if err := beParent(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	default:
		os.Exit(m.Run())
	}
}

func beNexlet() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	place, err := nexlet.PlaceFrom(os.Getenv)
	if err != nil {
		return err
	}
	info, err := world.Find(os.Getenv("NEXLET_TEST_WORLD"))
	if err != nil {
		return err
	}
	n, err := nexlet.New(nexlet.Config{
		Place: &place, Parent: os.Getppid,
		Functions: func() ([]functions.Function, error) { return echoing(echo)(), nil },
		Keys:      nexlet.KeyDir(os.Getenv("NEXLET_TEST_KEYS")),
		State:     os.Getenv("NEXLET_TEST_STATE"),
		Dial: func(ctx context.Context, creds []byte, options ...nats.Option) (*nats.Conn, error) {
			return info.Connect(ctx, creds, options...)
		},
	})
	if err != nil {
		return err
	}
	return n.Run(ctx)
}

// beParent starts a nexlet and does nothing more; the nexlet has its standard output.
func beParent() error {
	cmd := program(os.Environ())
	cmd.Stdout = os.Stdout
	if err := cmd.Start(); err != nil {
		return err
	}
	return errors.Join(cmd.Wait(), errors.New("the nexlet ended first"))
}

// program is this test binary as a nexlet with that environment.
func program(env []string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(env, "NEXLET_TEST_AS=nexlet")
	return cmd
}

// processEnv is what the nexlet of the stage needs to know beside what its node tells it.
func processEnv(s *nexlettest.Stage) []string {
	return []string{
		"NEXLET_TEST_WORLD=" + s.World.Config().Dir,
		"NEXLET_TEST_KEYS=" + s.Keys,
		"NEXLET_TEST_STATE=" + s.State,
		"GORACE=" + os.Getenv("GORACE"),
	}
}
