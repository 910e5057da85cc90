// Package events holds the facts of Natster: the identifiers of who and what an event is about, every subject of the
// system, the types of events, and the log that keeps them. Of ours it imports only internal/jet; everything else may
// import it.
//
//	account.go     Account, the public key of a NATS account: who
//	catalog.go     Catalog, the name of a catalog: what
//	hash.go        Hash, the SHA-256 of a file
//	event.go       Type, Event and the data of each type
//	cloudevent.go  an Event as a NATS message: CloudEvents, binary mode
//	canonical.go   the body of an event, read fast in the form that it is written in
//	subjects.go    every subject of the system, each with its literal form
//	log.go         Log: append (acknowledged, conditional), read the last, replay
//	lost.go        Lost: positions that the log cannot read any more, and asking for them again
//
// Identifiers are made by parsers that can refuse: a value of type [Account], [Catalog] or [Hash] is either the zero
// value, which stands for "none", or well formed. All three are comparable and travel in JSON as text.
package events
