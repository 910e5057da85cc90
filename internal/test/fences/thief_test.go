package fences_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/deploy/accounts"
	"natster/events"
	"natster/functions"
	"natster/internal/jet"
	"natster/internal/test/wait"
)

// A thief has the credentials of a function, or of another user in the function's account.
type thief struct {
	f       functions.Function
	account events.Account
	nc      *nats.Conn
}

// accountOf is the account that f's credentials are of.
func accountOf(t *testing.T, k *accounts.Operator, f functions.Function) events.Account {
	t.Helper()
	a, err := k.FunctionAccount(f.Name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// credentials are those that the running functions have.
func credentials(t *testing.T, k *accounts.Operator, fns []functions.Function) map[string]accounts.Creds {
	t.Helper()
	all, err := k.Functions(t.Context(), fns)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// mayAnyway tells whether the function may publish there by its declaration: to have an answer sent there as well is no
// more than it may do. It reads the declaration itself, not what production derives from it.
func mayAnyway(f functions.Function, subject string) bool {
	may := slices.Concat(f.Access.Calls, f.Access.Publishes)
	may = append(may, events.PoisonSubject(f.Name))
	for _, tr := range f.Triggers {
		stream := events.LogStream
		switch tr.Kind {
		case functions.KindRequest:
			continue
		case functions.KindKey:
			stream = "KV_" + tr.Name
		}
		may = append(may, "$JS.ACK."+stream+"."+f.Name+".>")
	}
	if f.Access.AppendsLog {
		may = append(may, events.LogAll)
	}
	for _, b := range f.Access.Writes {
		may = append(may, b.Subject(">"))
	}
	return slices.ContainsFunc(may, func(pattern string) bool { return covers(pattern, subject) })
}

// covers tells whether the subject matches the pattern.
func covers(pattern, subject string) bool {
	p, s := strings.Split(pattern, "."), strings.Split(subject, ".")
	for i, token := range p {
		switch {
		case token == ">":
			return len(s) > i
		case i >= len(s), token != "*" && token != s[i]:
			return false
		}
	}
	return len(p) == len(s)
}

// requests are the subjects at which the thief may ask: all that the function may, in every form; wide ones are filled
// in.
func (th thief) requests() []string {
	var all []string
	for _, pattern := range th.f.Permissions().Publish {
		s := strings.ReplaceAll(pattern, "*", mark)
		if prefix, wide := strings.CutSuffix(s, ">"); wide {
			s = prefix + mark
		}
		if strings.HasPrefix(pattern, "$JS.ACK.") { // an acknowledgement names what it acknowledges
			s = strings.TrimSuffix(pattern, ">") + "1.1.1.1.0"
		}
		all = append(all, s)
	}
	return all
}

// bodies are what is sent along with a request: reads that find something and such that do not, pulls, acknowledgements
// that ask for more, and what the attack needs.
func (th thief) bodies(request string, a attack) []string {
	switch {
	case strings.Contains(request, ".CONSUMER.MSG.NEXT."):
		return []string{`{"batch":1,"no_wait":true}`} // others would be answered at some later time
	case strings.Contains(request, ".CONSUMER."):
		return []string{""}
	case strings.HasPrefix(request, "$JS.ACK."):
		return []string{"", `+NXT {"batch":1,"no_wait":true}`}
	case strings.Contains(request, ".DIRECT.GET."):
		all := []string{"", `{"seq":1}`, `{"seq":999999999}`, `{"batch":2,"seq":1}`}
		for _, b := range th.f.Access.Writes {
			if strings.HasSuffix(request, "."+b.Stream()) {
				all = append(all, fmt.Sprintf(`{"last_by_subj":%q}`, b.Subject(mark)))
			}
		}
		return all
	}
	return []string{a.body}
}

// try makes every request with the attack's subject as its reply, and publishes to it directly; one at JetStream is
// tried under the name that JetStream has in the function's account as well.
func (th thief) try(t *testing.T, a attack) {
	t.Helper()
	th.tryAt(t, a)
	if request, at := strings.CutPrefix(a.subject, string(jet.Own)); at {
		a.subject = string(jet.Imported) + request
		th.tryAt(t, a)
	}
}

func (th thief) tryAt(t *testing.T, a attack) {
	t.Helper()
	send := func(subject, reply, body string, conditional bool) {
		m := nats.NewMsg(subject)
		m.Reply, m.Data = reply, []byte(body)
		if conditional { // JetStream refuses to store it, and says so to the reply
			m.Header.Set(nats.ExpectedLastSeqHdr, "999999999")
		}
		if err := th.nc.PublishMsg(m); err != nil {
			t.Fatalf("%s: %v", subject, err)
		}
	}
	for _, b := range th.f.Access.Writes { // what the attack needs, for a read to fetch
		send(b.Subject(mark), "", a.body, false)
	}
	for _, subject := range th.requests() {
		api := strings.HasPrefix(subject, string(jet.Imported)) || strings.HasPrefix(subject, string(jet.Own))
		for _, body := range th.bodies(subject, a) {
			send(subject, a.subject, body, !api && !strings.HasPrefix(subject, "$JS.ACK."))
		}
	}
	for _, request := range []string{"DIRECT.GET." + events.LogStream, "STREAM.NAMES", "INFO"} {
		send(jet.Imported.Subject(request), a.subject, `{"seq":999999999}`, false)
	}
	send(a.subject, mark+".reply", a.body, false)
}

// settle returns when all that was asked has been answered: a stream and a consumer answer in the order in which they
// were asked. What is not answered shows that the attacks were not even asked.
func (th thief) settle(t *testing.T) {
	t.Helper()
	for _, subject := range th.requests() {
		m := nats.NewMsg(subject)
		switch {
		case strings.Contains(subject, ".DIRECT.GET."):
			m.Data = []byte(`{"seq":999999999}`)
		case strings.Contains(subject, ".CONSUMER.MSG.NEXT."):
			m.Data = []byte(`{"batch":1,"no_wait":true}`)
		case strings.HasPrefix(subject, "$KV."), strings.HasPrefix(subject, "natster.events."),
			strings.HasPrefix(subject, "natster.poison."):
			m.Header.Set(nats.ExpectedLastSeqHdr, "999999999")
		case strings.HasPrefix(subject, "natster.internal."), strings.HasPrefix(subject, "natster.global."),
			strings.Contains(subject, ".CONSUMER.INFO."):
		default:
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), wait.Patience)
		_, err := th.nc.RequestMsgWithContext(ctx, m)
		cancel()
		if err != nil {
			t.Errorf("%s may not even do what it declares: %s: %v", th.f.Name, subject, err)
			break // what is gone answers to nothing else, either
		}
	}
	if err := th.nc.Flush(); err != nil {
		t.Fatal(err)
	}
}

// again makes an attack that was heard in an account which has attacked before, and reports whether it is heard there
// now: if not, that was a late answer to what the account has sent to itself. Servers of a cluster do not answer in the
// order in which they were asked.
func (th thief) again(t *testing.T, a attack, l *tap) bool {
	t.Helper()
	for range 3 {
		th.try(t, a)
		th.settle(t)
		if len(l.hears(t, []attack{a})) == 0 {
			return false
		}
	}
	return true
}

// films is the catalog that alice has.
func films() (c events.Catalog) {
	if err := json.Unmarshal([]byte(`"films"`), &c); err != nil {
		panic(err) // a literal
	}
	return c
}
