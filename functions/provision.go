package functions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"natster/events"
)

// PoisonStream keeps the messages that functions could not handle, until an operator has looked at them.
const PoisonStream = "NATSTER_POISON"

// ackWait is how long a function that died holds up its next event; a function at work says so more often than that.
const ackWait = 2 * time.Second

// Provision makes the streams, buckets and consumers that the functions declare, or brings them up to date. It needs an
// administrator of the account that owns JetStream; the functions themselves can make none of them. It may be repeated,
// and run while functions run: of what is as it ought to be,
// nothing is written.
func Provision(ctx context.Context, js jetstream.JetStream, replicas int, fns ...Function) error {
	streams := map[string]jetstream.StreamConfig{
		events.LogStream: events.LogConfig(replicas),
		PoisonStream: {
			Name:        PoisonStream,
			Description: "messages that a function could not handle",
			Subjects:    []string{events.PoisonAll},
			Storage:     jetstream.FileStorage,
			Replicas:    replicas,
			AllowDirect: true,
		},
	}
	for _, f := range fns {
		if err := f.Check(); err != nil {
			return err
		}
		buckets := slices.Concat(f.Access.Reads, f.Access.Writes)
		for _, t := range f.Triggers {
			if t.Kind == KindKey {
				buckets = append(buckets, t.bucket)
			}
		}
		for _, b := range buckets {
			streams[b.Stream()] = b.Config(replicas)
		}
	}
	making, of := errgroup.WithContext(ctx)
	for name, cfg := range streams {
		making.Go(func() error {
			if err := provisionStream(of, js, cfg); err != nil {
				return fmt.Errorf("functions: provision stream %s: %w", name, err)
			}
			return nil
		})
	}
	if err := making.Wait(); err != nil {
		return err
	}
	making, of = errgroup.WithContext(ctx)
	for _, f := range fns {
		for _, t := range f.Triggers {
			if t.stream == "" {
				continue
			}
			making.Go(func() error {
				if err := provisionConsumer(of, js, f, t, replicas); err != nil {
					return fmt.Errorf("functions: provision %s's consumer on %s: %w", f.Name, t.stream, err)
				}
				return nil
			})
		}
	}
	return making.Wait()
}

// provisionStream tells the server nothing when the stream is as it ought to be: to be told makes it write.
func provisionStream(ctx context.Context, js jetstream.JetStream, cfg jetstream.StreamConfig) error {
	have, err := js.Stream(ctx, cfg.Name)
	switch {
	case err == nil && sameStream(have.CachedInfo().Config, cfg):
		return nil
	case err != nil && !errors.Is(err, jetstream.ErrStreamNotFound):
		return err
	}
	_, err = js.CreateOrUpdateStream(ctx, cfg)
	return err
}

// provisionConsumer is provisionStream for the consumer of a trigger.
func provisionConsumer(ctx context.Context, js jetstream.JetStream, f Function, t Trigger, replicas int) error {
	cfg := consumerConfig(f, t, replicas)
	c, err := js.Consumer(ctx, t.stream, f.Name)
	switch {
	case err == nil: // where it began cannot be changed, and need not be: see FastForward
		have := c.CachedInfo().Config
		cfg.DeliverPolicy, cfg.OptStartSeq = have.DeliverPolicy, have.OptStartSeq
		if sameConsumer(have, cfg) {
			return nil
		}
	case !errors.Is(err, jetstream.ErrConsumerNotFound):
		return err
	}
	_, err = js.CreateOrUpdateConsumer(ctx, t.stream, cfg)
	return err
}

// FastForward makes the function of that name go on after the position of the log, without handling the events before.
// It is used when the function's state has been brought up to that position by other means, such as a rebuild, and for
// a new function that need not hear of the past. It needs an administrator, and may be used while the function runs.
func FastForward(ctx context.Context, js jetstream.JetStream, function string, position uint64) error {
	c, err := js.Consumer(ctx, events.LogStream, function)
	if err == nil && c.CachedInfo().AckFloor.Stream < position {
		err = goOnAfter(ctx, js, c.CachedInfo(), position)
	}
	if err != nil {
		return fmt.Errorf("functions: fast-forward %s: %w", function, err)
	}
	return nil
}

// StepBack makes functions that have heard more than there is in the log, whose last position is given, go on after
// that: the log has lost its end, and what comes now they have not heard. It needs an administrator, and may be used
// while they run.
func StepBack(ctx context.Context, js jetstream.JetStream, last uint64) error {
	log, err := js.Stream(ctx, events.LogStream)
	if err != nil {
		return fmt.Errorf("functions: step back: %w", err)
	}
	consumers := log.ListConsumers(ctx)
	for info := range consumers.Info() {
		if info.Config.Durable == "" || info.AckFloor.Stream <= last && info.Config.OptStartSeq <= last+1 {
			continue
		}
		if err := goOnAfter(ctx, js, info, last); err != nil {
			return fmt.Errorf("functions: step back %s: %w", info.Name, err)
		}
	}
	return consumers.Err()
}

// goOnAfter makes a consumer of the log anew, to begin after the position.
func goOnAfter(ctx context.Context, js jetstream.JetStream, old *jetstream.ConsumerInfo, position uint64) error {
	cfg := old.Config
	cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, position+1
	if err := js.DeleteConsumer(ctx, events.LogStream, old.Name); err != nil {
		return err
	}
	_, err := js.CreateConsumer(ctx, events.LogStream, cfg)
	return err
}

// consumerConfig lets one message out at a time: that keeps events in order over any number of instances, of which the
// others stand by.
func consumerConfig(f Function, t Trigger, replicas int) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable:        f.Name,
		Description:    f.Doc,
		FilterSubjects: t.Filters,
		DeliverPolicy:  jetstream.DeliverAllPolicy,
		AckPolicy:      jetstream.AckExplicitPolicy,
		AckWait:        ackWait,
		MaxDeliver:     -1,
		MaxAckPending:  1,
		Replicas:       replicas,
	}
}
