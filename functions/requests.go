package functions

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"natster/events"
	"natster/functions/api"
	"natster/internal/brief"
	"natster/internal/supervise"
)

// serve makes the function a NATS micro service, with an endpoint per subject trigger. Functions without one are
// services too, so that discovery shows them all.
func (r *Runner) serve(work context.Context, triggers []bound) (micro.Service, error) {
	service, err := micro.AddService(r.cfg.Conn, micro.Config{
		Name:         r.fn.Name,
		Version:      r.cfg.Version,
		Description:  r.fn.Doc,
		Metadata:     r.metadata(),
		QueueGroup:   r.fn.Name,
		StatsHandler: func(*micro.Endpoint) any { return r.Counts() },
	})
	if err != nil {
		return nil, err
	}
	for _, t := range triggers {
		if t.Kind != KindRequest {
			continue
		}
		name := strings.NewReplacer(".", "_", "*", "any", ">", "all").Replace(t.Name)
		h := micro.HandlerFunc(func(m micro.Request) { r.accept(work, t, m) })
		if err := service.AddEndpoint(name, h, micro.WithEndpointSubject(t.Filters[0])); err != nil {
			return nil, errors.Join(err, service.Stop())
		}
	}
	return service, nil
}

// metadata shows the triggers to `nats micro info`.
func (r *Runner) metadata() map[string]string {
	m := make(map[string]string)
	for _, t := range r.fn.Triggers {
		k := "trigger." + string(t.Kind)
		if m[k] != "" {
			m[k] += ", "
		}
		m[k] += t.Name
	}
	return m
}

// accept runs on the subscription's goroutine and so must not wait, and costs next to nothing: the server drops what
// comes faster than that. The request is handled, waits until it is its account's turn, or is refused.
func (r *Runner) accept(work context.Context, t bound, m micro.Request) {
	from, _, err := events.Caller(m.Subject())
	switch {
	case err != nil:
		err = api.Errorf(api.ErrForbidden, "the request does not come from an account: %v", err)
	case len(m.Data()) > t.max:
		err = api.Errorf(api.ErrBadRequest, "%s: the request is %d bytes long; %d is the most",
			t.Name, len(m.Data()), t.max)
	default:
		j := &job{From: from, Weight: t.weight}
		j.Handle = func(waited time.Duration) { r.respond(work, t, m, j, waited) }
		if err = r.queue.Add(j); err == nil {
			return
		}
		err = noRoom(err)
	}
	r.refusals.Refuse(from, refused{m.Subject(), m.Reply(), err})
	r.observe(KindRequest, 0, err)
}

// respond answers a request whose turn it is.
func (r *Runner) respond(work context.Context, t bound, m micro.Request, j *job, waited time.Duration) {
	call := &Call{
		From: j.From, Subject: m.Subject(), views: r.host.Views, waiting: r.waiting, settling: r.settling,
		release: func() { r.queue.Release(j) },
	}
	var data any
	var err error
	started := time.Now()
	if waited > r.cfg.Deadline { // who asked has most likely given up
		err = api.Later(api.ErrUnavailable, soon, "%s could not be answered in time", t.Name)
	} else {
		data, err = r.answer(work, t, m, call)
	}
	r.reply(m.Subject(), m.Reply(), call, data, err)
	r.observe(KindRequest, time.Since(started), err)
}

// answer decodes, calls the handler and lets nothing out but an answer.
func (r *Runner) answer(work context.Context, t bound, m micro.Request, call *Call) (data any, err error) {
	defer supervise.Contain(r.log, &err)
	if t.writes {
		if err := r.cfg.Refuse(); err != nil {
			return nil, err
		}
	}
	if p := m.Headers().Get(api.HeaderMinPosition); p != "" {
		call.KeepsPositions = true
		if call.MinPosition, err = strconv.ParseUint(p, 10, 64); err != nil {
			return nil, api.Errorf(api.ErrBadRequest, "header %s: %q is not a position", api.HeaderMinPosition, p)
		}
	}
	ctx, cancel := context.WithTimeout(work, r.cfg.Deadline)
	defer cancel()
	data, err = t.serve(ctx, call, m.Data())
	callers := errors.Is(err, api.ErrBadRequest) || errors.Is(err, api.ErrForbidden)
	if full := r.cfg.Refuse(); full != nil && err != nil && !callers {
		return nil, full // what is missing may be what could not be kept
	}
	if err != nil && ctx.Err() != nil {
		r.log.Error("request ran into its deadline", "endpoint", t.Name, "account", call.From, "err", err)
		err = api.Errorf(api.ErrUnavailable, "%s could not be answered in time: try again", t.Name)
	}
	return data, err
}

// reply answers a request; a message that wants no reply gets none. It does not answer by micro's own means, which are
// for handlers that have not returned yet; the wire is the same.
func (r *Runner) reply(subject, to string, call *Call, data any, err error) {
	header := nats.Header{}
	if err != nil {
		refusal, internal := api.Refusal(err)
		if internal {
			from, _, _ := events.Caller(subject) // no account: logged as such
			r.log.Error("request failed", "subject", subject, "account", from, "err", err)
		}
		header.Set(micro.ErrorHeader, brief.Line(refusal.Message))
	} else {
		if call.position > 0 {
			header.Set(api.HeaderPosition, strconv.FormatUint(call.position, 10))
		}
		if call.next != "" {
			header.Set(api.HeaderNext, call.next)
		}
		if why := r.cfg.Refuse(); why != nil {
			header.Set(api.HeaderNotice, brief.Line(why.Error()))
		}
	}
	if err := api.Reply(r.cfg.Conn, to, header, data, err); err != nil {
		r.log.Error("reply could not be sent", "subject", subject, "err", err)
	}
}
