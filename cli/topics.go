package cli

import (
	"fmt"
	"strings"
)

// topics are what natster help explains besides commands.
var topics = map[string]struct{ usage, text string }{
	"environment": {"the variables that natster reads", `Whom to act as, and where. The first of these that is set counts; then the context in use (natster context use):

   --context NAME           a context of natster's
   NATSTER_CONTEXT          the same
   NATS_CONTEXT             a context of the nats command: a name in $XDG_CONFIG_HOME/nats/context, or a file
   NATS_URL, NATS_CREDS     a server, and a credentials file; each also takes the place of what NATS_CONTEXT says, and
                            NATS_URL alone is where to reach the world of the context in use

The account is the one that the credentials are for. If it is one that natster init made here, its catalogs and imports
are at hand as ever.

   NATS_URL=nats://nats.example.net NATS_CREDS=~/alice.creds natster whoami

Other variables:

   NATSTER_WORLD            directory of the world on this machine; --world DIR goes first
   NATSTER_NEX_URL          NATS of Nex (natster deploy --help), and NATSTER_NEX_CREDS, the credentials for it
   XDG_CONFIG_HOME          contexts and contacts are in natster below it; ~/.config if not set
   XDG_DATA_HOME            catalogs and the world are in natster below it; ~/.local/share if not set
   XDG_CACHE_HOME           what can be made anew; ~/.cache if not set
   NO_COLOR                 no colours`},
	"json": {"what --json prints", `Every command prints its result as one JSON value; what goes on prints one value a line. The same thing has the same name
everywhere:

   account      an account's key, A…; owner, from and to are accounts too
   name         what a person or a context is called
   catalog      a catalog's name
   path         of a file in its catalog
   directory    a directory on this machine, and file a file there
   bytes        a size, as a number
   mime_type    type/subtype
   hash         SHA-256, 64 hexadecimal digits
   modified     when a file was last changed
   online       whether a catalog is being served now

Times are RFC 3339 in UTC. What is not known is left out; a list without elements is []. An error is an object on stderr, and
the exit code is what it is without --json: 1 failed, 2 misused, 130 interrupted.

   {"error":"films: nobody serves the catalog now","try":"natster catalog ls"}

   natster ls --json
   natster catalog contents films --json | jq -r '.entries[].path'`},
}

// explain prints a topic on stdout.
func (e *env) explain(topic string) {
	t := topics[topic]
	fmt.Fprintf(e.Stdout, "%s - %s\n\n", e.out.bold("natster help "+topic), t.usage)
	for _, line := range wrap(t.text, e.helpWidth()-3) {
		fmt.Fprintln(e.Stdout, strings.TrimRight("   "+line, " "))
	}
}
