package accounts_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/internal/test/wait"
)

// A NATS server answers some questions of every account about itself. Whatever it is asked, it tells of no other.
func TestTheServerTellsAnAccountOfNoOther(t *testing.T) {
	w := bare(t)
	alice, bob := w.Account("alice"), w.Account("bob")
	his, err := w.Info().Connect(t.Context(), bob.Creds, nats.Name("bobs-program"))
	if err != nil {
		t.Fatal(err)
	}
	defer his.Close()
	if _, err := his.SubscribeSync("bobs.subject"); err != nil {
		t.Fatal(err)
	}
	if err := his.Flush(); err != nil {
		t.Fatal(err)
	}
	cid, err := his.GetClientID()
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{bob.Key.String(), "bobs-program", "bobs.subject"}
	known := w.Accounts()
	secrets = append(secrets, known.System.String(), known.Data.String(), known.Global.String())
	nc := alice.Conn(t)
	answered := 0
	for _, subject := range []string{
		"SERVER.PING", "SERVER.PING.CONNZ", "SERVER.PING.SUBSZ", "SERVER.PING.ACCOUNTZ", "SERVER.PING.JSZ",
		"ACCOUNT.PING.CONNZ", "ACCOUNT.PING.STATZ", "ACCOUNT." + bob.Key.String() + ".CONNZ",
		"ACCOUNT." + bob.Key.String() + ".INFO", "ACCOUNT." + bob.Key.String() + ".SUBSZ", "CLAIMS.LIST",
		"SERVER." + nc.ConnectedServerId() + ".CONNZ", "USER.INFO",
	} {
		for _, body := range []string{
			"", fmt.Sprintf(`{"cid":%d,"auth":true,"subscriptions_detail":true}`, cid),
			`{"state":2,"auth":true,"subscriptions":true}`, `{"filter_subject":"bobs.subject"}`,
			`{"acc":"` + bob.Key.String() + `","auth":true}`, `{"account":"` + bob.Key.String() + `"}`,
			`{"accounts":["` + bob.Key.String() + `"],"include_unused":true}`,
		} {
			m, err := nc.Request("$SYS.REQ."+subject, []byte(body), wait.Patience)
			if errors.Is(err, nats.ErrNoResponders) {
				continue
			}
			if err != nil {
				t.Fatalf("%s %s: %v", subject, body, err)
			}
			answered++
			for _, s := range secrets {
				if strings.Contains(string(m.Data), s) {
					t.Errorf("%s %s tells of %s: %s", subject, body, s, m.Data)
				}
			}
		}
	}
	if answered == 0 {
		t.Error("nothing was answered")
	}
}
