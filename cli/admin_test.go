package cli_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"natster/deploy/world"
	"natster/events"
	"natster/functions"
	"natster/internal/test/logtest"
)

func TestCheckSaysHowLargeTheLogIs(t *testing.T) {
	m := newMachine(t)
	m.natster("init alice").ok()
	m.natster("admin limits log_bytes=1048576").ok()
	m.natster("admin check").ok().says("the log is sound", "above 1.0 MB natster devrun warns")
	nc, err := m.Admin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	e := events.WithData(events.Event{
		ID: "large", Type: "from_the_future", Origin: logtest.Account(1), Time: time.Now().UTC(),
	}, strings.Repeat("x", 60_000))
	for range 20 {
		large, err := events.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := js.PublishMsg(t.Context(), large); err != nil {
			t.Fatal(err)
		}
		e.ID += "r"
	}
	m.natster("admin check").ok().says("more than 1.0 MB, the limit log_bytes (natster admin limits)")
	var r struct{ Bytes, Most int64 }
	loose(t, m.natster("admin check --json"), &r)
	if r.Most != 1<<20 || r.Bytes <= r.Most {
		t.Errorf("%+v", r)
	}
}

func TestLimitsAreShownAndSet(t *testing.T) {
	m := newMachine(t)
	m.natster("init alice").ok()
	shown := m.natster("admin limits").ok().says("LIMIT", "codes", "one-time codes of one account", "log_bytes")
	if strings.Contains(shown.out, "DEFAULT") {
		t.Errorf("nothing was set, and yet:\n%s", shown.out)
	}
	m.natster("admin limits codes=3 shares=77").ok().says("DEFAULT").
		warns("next start", "natster admin creds", "natster admin provision")
	m.natster("admin limits shares=default codes=4 coeds=1").exits(1)
	var rows []struct {
		Name           string
		Value, Default int64
		Doc            string
	}
	loose(t, m.natster("admin limits shares=default --json"), &rows)
	for _, r := range rows {
		want := r.Default
		if r.Name == "codes" {
			want = 3
		}
		if r.Value != want || r.Doc == "" {
			t.Errorf("%+v, want %d", r, want)
		}
	}
	if l, err := world.ReadLimits(m.Config().Dir); err != nil || l != (functions.Limits{Codes: 3}) {
		t.Errorf("the world has %+v, %v", l, err)
	}
	m.natster("admin limits --world "+t.TempDir()).exits(1).warns("no world here", "try: natster devrun")
}

func TestAnAccountWithAllItsConnectionsIsToldSo(t *testing.T) {
	m := newMachine(t)
	m.natster("init alice").ok()
	m.natster("admin limits connections=8").ok()
	m.Restart(t)
	for range 8 {
		t.Cleanup(m.Account("alice").Connect(t).Close)
	}
	m.natster("whoami").exits(1).warns("alice has as many connections as it may have", "try: natster admin limits")
	m.natster("init bob").ok()
}

func TestStatsShowWhatAnAccountHasUsedOfItsLimits(t *testing.T) {
	m := newMachine(t)
	m.natster("init alice").ok()
	m.natster("init bob").ok()
	m.natster("init carol").ok()
	m.natster("context use alice").ok()
	m.run("catalog", "new", "films", films(t)).ok()
	m.run("catalog", "new", "photos", films(t)).ok()
	m.natster("share films bob").ok()
	m.natster("share films carol").ok()
	m.natster("share photos bob").ok()
	m.natster("unshare photos bob").ok()
	var got struct {
		Limits []struct {
			Name string
			Used *int
			Most int64
		}
	}
	loose(t, m.natster("stats --json"), &got)
	used := make(map[string]int)
	for _, l := range got.Limits {
		if l.Used != nil {
			used[l.Name] = *l.Used
		}
		if l.Most == 0 {
			t.Errorf("%s: none", l.Name)
		}
	}
	if used["shares"] != 2 || used["catalogs"] != 1 || len(used) != 2 || len(got.Limits) < 10 {
		t.Errorf("used %v of %+v", used, got.Limits)
	}
	m.natster("stats").ok().says("YOURS", "USED", "shares", "10000", "connections")
}
