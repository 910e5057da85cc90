// Package contexts is who natster acts as, and where: what it keeps of that on disk, and the connection that follows
// from it.
//
//	dirs.go          where things are kept; ~ written out
//	context.go       Context: an account, its world, its credentials
//	store.go         Store: all contexts, and the one in use
//	surroundings.go  NATS_CONTEXT, NATS_URL, NATS_CREDS: the contexts of the nats command
//	connect.go       a connection, or why there is none
//	contacts.go      Contacts: names for account keys, and what a name means
//	blocked.go       Blocked: accounts whose offers are not shown
//	position.go      how far the log of a world was seen: one command sees what the one before it did
//
// Credentials are in files of mode 0600, and no error shows them.
package contexts
