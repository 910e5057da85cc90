package functions_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
)

// The literals are all that a function gets that declares one of everything.
func TestAFunctionGetsWhatItDeclaresAndNothingElse(t *testing.T) {
	f := functions.Function{
		Name: "lender",
		Triggers: []functions.Trigger{
			functions.Request(api.Whoami, (*lender).whoami),
			functions.Request(api.PutInternal("*", events.Bound), (*lender).put),
			functions.OnEvent((*lender).event, events.Shared),
			functions.OnKey(view.Presence, (*lender).change),
		},
		Access: functions.Access{
			ReadsLog:  true,
			Reads:     []view.Bucket{view.Shares},
			Writes:    []view.Bucket{view.Codes},
			Calls:     []string{"natster.internal.other"},
			Publishes: []string{"*.natster.global-news.*"},
		},
	}
	asked := []string{ // as the account that owns JetStream exports it, and how the function's own account calls it
		"$JS.ACK.KV_presence.lender.> $JS.ACK.KV_presence.lender.>",
		"$JS.ACK.NATSTER_EVENTS.lender.> $JS.ACK.NATSTER_EVENTS.lender.>",
		"$JS.API.CONSUMER.INFO.KV_presence.lender JS.data.API.CONSUMER.INFO.KV_presence.lender",
		"$JS.API.CONSUMER.INFO.NATSTER_EVENTS.lender JS.data.API.CONSUMER.INFO.NATSTER_EVENTS.lender",
		"$JS.API.CONSUMER.MSG.NEXT.KV_presence.lender JS.data.API.CONSUMER.MSG.NEXT.KV_presence.lender",
		"$JS.API.CONSUMER.MSG.NEXT.NATSTER_EVENTS.lender JS.data.API.CONSUMER.MSG.NEXT.NATSTER_EVENTS.lender",
		"$JS.API.DIRECT.GET.KV_codes JS.data.API.DIRECT.GET.KV_codes",
		"$JS.API.DIRECT.GET.KV_shares JS.data.API.DIRECT.GET.KV_shares",
		"$JS.API.DIRECT.GET.NATSTER_EVENTS JS.data.API.DIRECT.GET.NATSTER_EVENTS",
		"$KV.codes.> $KV.codes.>",
		"natster.poison.lender natster.poison.lender",
	}
	published := []string{"natster.internal.other", "*.natster.global-news.*"}
	for _, s := range asked {
		_, local, _ := strings.Cut(s, " ")
		published = append(published, local)
	}
	slices.Sort(published)
	var data []string
	for _, s := range f.Data() {
		data = append(data, s.Subject+" "+s.Local)
	}
	p := f.Permissions()
	for what, row := range map[string]struct{ got, want []string }{
		"imports":   {data, asked},
		"publishes": {p.Publish, published},
		"subscribes": {p.Subscribe, []string{
			"_INBOX.lender.>",
			"$SRV.PING", "$SRV.PING.lender", "$SRV.PING.lender.*",
			"$SRV.INFO", "$SRV.INFO.lender", "$SRV.INFO.lender.*",
			"$SRV.STATS", "$SRV.STATS.lender", "$SRV.STATS.lender.*",
			"*.natster.global.whoami lender", "natster.internal.events.*.context_bound lender",
		}},
	} {
		if !slices.Equal(row.got, row.want) {
			t.Errorf("%s\n%q\nwant\n%q", what, row.got, row.want)
		}
	}
}

type lender struct{ functions.NoClose }

func (*lender) whoami(context.Context, *functions.Call, api.None) (api.Identity, error) {
	return api.Identity{}, nil
}

func (*lender) put(context.Context, *functions.Call, api.PutRequest) (api.PutReply, error) {
	return api.PutReply{}, nil
}

func (*lender) event(context.Context, events.Envelope) error   { return nil }
func (*lender) change(context.Context, functions.Change) error { return nil }
