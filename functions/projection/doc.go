// Package projection folds the event log into documents in a key-value bucket: live, event by event or thousands at
// once when it is behind, and from the start of the log, beside the live fold, without a reader noticing.
//
//	projection.go  Projection: keys and fold, both pure, and the function that keeps it up to date; how far it is
//	live.go        folding an event as it comes; events that were missed are read from the log
//	rebuild.go     Rebuild: any number of projections in one pass over the log
//	builder.go     what a rebuild does with one projection: claim, write, switch, clear away
//	scan.go        the whole log, fast: decoded on all cores, handed over in order, with what is lost of it
//	check.go       Check and QuickCheck: is the log sound, all of it or as far as the server knows
//	puts.go        acknowledged puts, many under way at once
//
// # Promises
//
// A bucket is a pure function of the log: whatever was redelivered, killed half-way, folded by two instances at once or
// rebuilt, the documents that a reader sees at a position are the same, byte for byte. What makes it so:
//
//   - The checkpoint, in the bucket itself, says how far the log is folded; the durable consumer only wakes the
//     function. An event at or before the checkpoint is nothing new. An event beyond the next one shows a gap, and the
//     log has what is in it.
//   - Documents carry the position of the event that last changed them, and so do the markers of deleted ones: a fold
//     that stopped half-way is finished by doing it again, and folds of other lengths at the same time change nothing
//     back.
//   - Every put is conditional on what was read; the checkpoint is put only after the documents are acknowledged. (Sent
//     at once they would save a round trip, but a put that is lost with a connection while the next one arrives would
//     be a document missing for ever.)
//
// An event that the projection cannot fold (malformed data of a type it knows, a panic) is passed over and reported as
// [functions.ErrPoison]. A type from the future is passed over in silence.
//
// The cost of an event is one read and one put per document and checkpoint, whatever the size of log and bucket.
// Behind, it is less: when an event comes and many wait after it, the next few thousand are read from the log itself
// and folded in one step, each document read and put once, and the consumer is moved to where that ended. Only one
// event is ever out, so the other instances stand by as before; an event that cannot be folded ends such a step, and
// comes by itself.
//
// What the log has lost (see [events.Lost]) the live fold reports and goes on without: to stop would take the events to
// come away as well, and the documents still know of what was lost if they had folded it. A rebuild would forget that,
// and refuses. Nothing else is given up: what the server does not take now is tried until it does.
//
// # Generations
//
// Documents stand under a generation. A rebuild writes the next one while everybody reads the old one, catches up with
// the live fold, and then makes the new generation the one to read by a conditional put of the checkpoint: live fold
// and readers notice by that. It notes in the checkpoint which generation it writes; a rebuild that begins later notes
// its own, and so the earlier one ends with [ErrSuperseded] having changed nothing. So a rebuild that was killed needs
// no clearing up: the next one does that.
package projection
