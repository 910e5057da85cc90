// Package cli is the command natster. A command is flags, a call on a client, and a print; what is right and what is
// wrong is decided by the packages below: deploy/world and deploy/accounts, workloads/catalog/..., functions/api.
//
// What all commands share:
//
//	app.go      Main: one command line in, one exit code out; the tree of commands, and the short ones
//	args.go     flags anywhere on the line, commands and flags that were mistyped, paths
//	help.go     what a command is for and how it is typed; --json and the environment
//	env.go      what the commands of one run share
//	errors.go   how errors look, what to type next, exit codes
//	json.go     what --json prints of things that several commands print
//	session.go  acting as the account of a context, connected or not
//	completion.go          completion by the shell: the placeholders of a usage say what arguments are
//	completion_catalog.go  names of catalogs, and of what is in them
//
// Commands, by noun:
//
//	account.go  init, whoami
//	login.go    login and logout: the website's sessions
//	context.go  context: the accounts to act as
//	contacts.go contacts: names for accounts
//	events.go   events: what happens in a world
//	stats.go    stats: how much there is, and what an account may take
//	demo.go     demo
//	devrun.go   devrun: a world on this machine, and its functions on Nex
//	web.go      web: the website
//	version.go  version: what this program was built from
//
//	catalog.go           catalog: its commands; describe, rm
//	catalog_files.go     the catalog files of a context; what a catalog's name stands for
//	catalog_new.go       new, rescan
//	catalog_ls.go        ls, contents
//	catalog_share.go     share, unshare, shares
//	catalog_inbox.go     inbox
//	catalog_import.go    import, unimport
//	catalog_download.go  download
//	catalog_open.go      open
//	peer_linux.go        whether this user has the other end of a connection
//	peer_other.go        the same where the system does not say
//	catalog_serve.go     serve, and what it prints at first
//	catalog_served.go    which catalogs serve serves: they come and go while it runs
//	catalog_board.go     what it shows of it on a terminal, redrawn in place
//	catalog_activity.go  the log of it that a person reads
//	rate.go              how --limit of serve is written
//
//	admin.go       admin: its commands; creds, cluster, provision
//	admin_log.go   check, rebuild: the event log
//	admin_limits.go  limits: what one account may take
//	admin_nats.go  nats: contexts for the nats command
//
//	deploy.go         deploy: its commands; what a rollout is about
//	deploy_up.go      up, restart, lameduck
//	deploy_status.go  status, ls, nodes, logs
//	nexlet.go         nexlet: functions and catalogs for a Nex node
//
// Packages below: term prints, hint says what to type next, contexts knows who natster acts as and where, completion
// talks with shells, site is the website, demo plays the demo with the media of sample; natster is main.
//
// # Promises
//
// Results are on stdout, everything else on stderr; progress and colours only on a terminal, no colours with NO_COLOR.
// An error is one line, "natster: …" in lower case, and then a line that can be typed. Exit codes: 0 done, also when
// the reader of the results has gone (natster events | head); 1 failed; 2 misused; 130 interrupted (Ctrl-C, SIGTERM,
// the terminal closed) after cleaning up, or at once by a second Ctrl-C or SIGTERM. An interrupted nexlet exits with 0,
// because that is how nodes end it. No other broken pipe or connection ends a command. With --json a result is one JSON
// value, and what goes on (events, serve) is one value a line; an error is {"error":"…","try":"…"} on stderr, and a
// note {"note":"…"}. natster help json has the vocabulary. Credentials are in files of mode 0600 and are never printed.
//
// # On disk
//
//	$XDG_CONFIG_HOME/natster/current               the name of the context in use
//	$XDG_CONFIG_HOME/natster/contexts/NAME.json    a context, without secrets
//	$XDG_CONFIG_HOME/natster/contexts/NAME.creds   its credentials
//	$XDG_CONFIG_HOME/natster/nats/                 credentials that natster admin nats wrote
//	$XDG_CONFIG_HOME/natster/contacts.json         names for account keys
//	$XDG_CONFIG_HOME/natster/blocked.json          account keys whose offers are not shown
//	$XDG_DATA_HOME/natster/NAME/catalogs/C.json    the catalogs of context NAME
//	$XDG_DATA_HOME/natster/world/                  the world of natster devrun
//	$XDG_CACHE_HOME/natster/listings/              paths for completion, for half a minute; may be lost
//	$XDG_DATA_HOME/natster/positions/              how far each world's log was seen; may be lost
package cli
