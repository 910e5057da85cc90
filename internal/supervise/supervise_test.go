package supervise_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"natster/internal/supervise"
)

var errBad = errors.New("bad")

func TestATaskIsStartedAgainAfterPausesThatGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var at []time.Duration
		ctx, cancel := context.WithCancel(t.Context())
		var reported []error
		supervise.Run(ctx, supervise.Config{Report: func(err error) { reported = append(reported, err) }},
			func(ctx context.Context, ready func()) error {
				at = append(at, time.Since(begin))
				switch len(at) {
				case 1:
					return errBad
				case 2:
					panic("as told")
				case 3:
					ready()
					return nil
				case 4: // a long run, after which the pauses begin anew
					time.Sleep(time.Minute)
					return errBad
				}
				cancel()
				return nil
			})
		const ms = time.Millisecond
		want := []time.Duration{0, 250 * ms, 750 * ms, 1750 * ms, 62 * time.Second}
		for i := range want {
			if i >= len(at) || at[i] != want[i] {
				t.Fatalf("started at %v, want %v", at, want)
			}
		}
		for i, want := range []error{errBad, supervise.ErrPanic, nil, supervise.ErrEnded, errBad} {
			if !errors.Is(reported[i], want) {
				t.Errorf("report %d is %v, want %v", i, reported[i], want)
			}
		}
	})
}

func TestWhatIsLogged(t *testing.T) {
	for _, c := range []struct {
		name string
		task supervise.Task
		want []string // in the log; none: it is empty
	}{
		{"an error", func(context.Context, func()) error { return errBad },
			[]string{"level=ERROR", "failed; it is started again", "in=250ms", "err=bad"}},
		{"a panic", func(context.Context, func()) error { panic("as told") },
			[]string{"level=ERROR", `err="panic: as told"`, "supervise_test.go"}},
		{"a bad end", func(ctx context.Context, _ func()) error { <-ctx.Done(); return errBad },
			[]string{"level=WARN", "stopped badly", "err=bad"}},
		{"a good end", func(ctx context.Context, _ func()) error { <-ctx.Done(); return nil }, nil},
		{"an end that says why", func(ctx context.Context, _ func()) error { <-ctx.Done(); return ctx.Err() }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					supervise.Run(ctx, supervise.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, c.task)
				}()
				synctest.Wait()
				cancel()
				<-ended
				for _, w := range c.want {
					if !strings.Contains(log.String(), w) {
						t.Errorf("the log has no %s:\n%s", w, &log)
					}
				}
				if c.want == nil && log.Len() > 0 {
					t.Errorf("the log is\n%s", &log)
				}
			})
		})
	}
}

func TestATaskInTheBackground(t *testing.T) {
	serve := func(ctx context.Context, ready func()) error { ready(); <-ctx.Done(); return nil }
	for _, c := range []struct {
		name string
		task supervise.Task
		want error
	}{
		{"is ready", serve, nil},
		{"fails at once", func(context.Context, func()) error { return errBad }, errBad},
		{"panics at once", func(context.Context, func()) error { panic("as told") }, supervise.ErrPanic},
		{"ends at once", func(context.Context, func()) error { return nil }, supervise.ErrEnded},
	} {
		t.Run(c.name, func(t *testing.T) {
			runs := 0
			r := supervise.Go(t.Context(), supervise.Config{}, func(ctx context.Context, ready func()) error {
				runs++
				return c.task(ctx, ready)
			})
			if err := r.Started(t.Context()); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			r.Stop()
			if runs != 1 {
				t.Errorf("%d runs", runs)
			}
		})
	}
	t.Run("is waited for in vain", func(t *testing.T) {
		r := supervise.Go(t.Context(), supervise.Config{}, func(ctx context.Context, _ func()) error {
			<-ctx.Done()
			return nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.Started(ctx); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		r.Stop()
		if err := r.Started(t.Context()); !errors.Is(err, context.Canceled) {
			t.Errorf("stopped before it was ready: %v", err)
		}
	})
	t.Run("comes back", func(t *testing.T) {
		again := make(chan struct{})
		runs := 0
		r := supervise.Go(t.Context(), supervise.Config{Pause: func(int) time.Duration { return 0 }},
			func(ctx context.Context, ready func()) error {
				ready()
				if runs++; runs == 1 {
					return errBad
				}
				close(again)
				<-ctx.Done()
				return nil
			})
		if err := r.Started(t.Context()); err != nil {
			t.Error(err)
		}
		<-again
		r.Stop()
	})
}
