package cli

import (
	"context"
	"errors"
	"time"

	"natster/deploy/nex"
	"natster/deploy/world"
)

// onNode runs the functions of w on a Nex node that is up, and returns what stops them there.
func (e *env) onNode(ctx context.Context, w *world.World, dir, claimURL string) (stop func(context.Context) error, err error) {
	to, err := e.nexletDir("NATSTER_CREDS_DIR", "creds")
	if err != nil {
		return nil, err
	}
	fns, err := world.Export(ctx, dir, to, claimURL)
	if err != nil {
		return nil, err
	}
	nc, err := e.dialNex("", "")
	if err != nil {
		return nil, err
	}
	n, err := nex.New(nex.Config{Conn: nc})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range fns {
		names = append(names, f.Name)
	}
	stop = func(ctx context.Context) error {
		defer nc.Close()
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		_, err := n.Down(ctx, names, nex.Options{})
		if errors.Is(err, nex.ErrNotFound) || errors.Is(err, nex.ErrNoNode) {
			return nil // some were stopped by others, or with their node
		}
		return err
	}
	if _, err := n.Up(ctx, nex.Wants(fns), e.reporting(nex.Options{})); err != nil {
		return nil, errors.Join(nexHint(err), stop(context.WithoutCancel(ctx)))
	}
	if err := w.IntroduceHub(ctx); err != nil {
		return nil, errors.Join(err, stop(context.WithoutCancel(ctx)))
	}
	return stop, nil
}
