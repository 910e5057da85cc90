// Package cli is the command natster. A command is flags, a call on a client, and a print; what is right and what is wrong
// is decided by the packages below: deploy/world and deploy/accounts, workloads/catalog/..., functions/api.
//
// Main and what all commands share:
//
//	app.go         Main: one command line in, one exit code out; the tree of commands
//	args.go        flags anywhere on the line, commands and flags that were mistyped
//	verbs.go       commands of catalog that need not be typed in full
//	paths.go       which words are paths on this machine; ~ written out
//	help.go        what a command is for and how it is typed
//	topics.go      what else natster help explains: --json, the environment
//	env.go         streams, colours, JSON, the log
//	results.go     stdout: what could not be written is no success; a run ends with its reader
//	reader_*.go    whether a pipe has lost its reader
//	errors.go      how errors look, what to type next, exit codes
//	vocabulary.go  what --json prints of things that several commands print
//	table.go       listings; sizes, rates and numbers for people
//	progress.go    the bar on stderr
//	suggest.go     what a mistyped word most likely meant
//	completion.go  completion by the shell: the placeholders of a command's usage say what its arguments are
//	completion_catalog.go  names of catalogs, and what is in them, the owner's included
//	completion_bash.go     what words mean that bash has, half typed and quoted, and how to answer so
//
// Who and where:
//
//	dirs.go        where things are kept; private, atomic writing
//	contexts.go    Context: an account, its world, its credentials; the store of all contexts
//	connect.go     a connection, or why there is none
//	surroundings.go  NATS_CONTEXT, NATS_URL, NATS_CREDS: the contexts of the nats command
//	contacts.go    names for account keys
//	resolve.go     whom and what a word means
//	session.go     a connection as the account of a context
//	position.go    one command sees what the one before it did
//	shelf.go       the catalog files of a context; imports
//	requests.go    who asks a catalog that is being served for what
//	activity.go    the readable log of that
//	serve_stall.go which catalogs serve serves: they come and go while it runs
//	serve_board.go what it shows of it on a terminal, redrawn in place
//
// Commands, a file each: demo.go (with demo_serve.go, demo_steps.go, demo_tap.go, demo_speed.go), devrun.go, init.go,
// whoami.go, login.go, logout.go, stats.go, events.go, version.go; web.go, and site.go, the website that devrun serves, too;
// catalog.go and catalog_*.go, contacts.go and contacts_*.go, context_*.go; admin.go and admin_*.go; deploy.go and
// deploy_*.go, nexlet.go, devrun_nex.go.
//
// # Promises
//
// Results are on stdout, everything else on stderr; progress and colours only on a terminal, no colours with NO_COLOR.
// An error is one line, "natster: …" in lower case, and then a line that can be typed. Exit codes: 0 done, also when whoever
// read the results has gone (natster events | head), 1 failed, 2 misused, 130 interrupted (Ctrl-C, SIGTERM, the terminal
// closed) after cleaning up, or at once by a second Ctrl-C or SIGTERM; nexlet, which nodes end so, 0. No other broken pipe
// or connection ends a command. With --json a result is one JSON value, and what goes on (events, serve) one value a line;
// an error is {"error":"…","try":"…"} on stderr, a note {"note":"…"}. natster help json has the vocabulary. Credentials are
// in files of mode 0600 and are never printed.
//
// # On disk
//
//	$XDG_CONFIG_HOME/natster/current               the name of the context in use
//	$XDG_CONFIG_HOME/natster/contexts/NAME.json    a context, without secrets
//	$XDG_CONFIG_HOME/natster/contexts/NAME.creds   its credentials
//	$XDG_CONFIG_HOME/natster/nats/                 credentials that natster admin nats wrote
//	$XDG_CONFIG_HOME/natster/contacts.json         names for account keys
//	$XDG_DATA_HOME/natster/NAME/catalogs/C.json    the catalogs of context NAME
//	$XDG_DATA_HOME/natster/world/                  the world of natster devrun
//	$XDG_CACHE_HOME/natster/listings/              paths for completion, for half a minute; may be lost
//	$XDG_DATA_HOME/natster/positions/              how far each world's log was seen; may be lost
package cli
