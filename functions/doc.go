// Package functions says what a function is and runs it.
//
// A [Function] is a value: its name, one sentence, what wakes it, what it may read and write. From that one declaration
// the runtime subscribes, the deployment makes streams, buckets, consumers and permissions, and the docs list it.
//
//	function.go     Function, Access, Host: the declaration and what a running function is given; CurveKey
//	trigger.go      Request, OnEvent, OnKey: the three kinds of trigger
//	limits.go       Limits: what one account may take of what all share
//	permissions.go  what a function's NATS user may do, derived from its declaration
//	provision.go    streams, buckets and consumers, derived from the declarations
//	unchanged.go    whether a stream or a consumer is as it ought to be, so that nothing is written
//	serve.go        Serve: runs a function once, on a connection of its own; every host of functions does it this way
//	runner.go       Runner: runs one function on one connection until it is told to stop, then drains it
//	requests.go     the runner's half for subject triggers
//	admit.go        whose request is handled next, and how those are refused that there is no room for
//	reading.go      a read of a projection that reflects the caller's own writes, and waiting for it after a put
//	consume.go      the runner's half for event and key triggers: in order, retried, poison set aside
//	ahead.go        taking many waiting events at once, for functions that can
//	counts.go       Counts: what a running function has done
//
// Below it, one package per function, and three libraries that functions share: api (the contract with callers), view
// (buckets and documents) and projection (folding the log into documents). No function imports another.
//
// What the runtime promises: every request is answered, but of an account that goes on asking after it was refused
// thousands of times; accounts that ask have their turns one after the other, and one that asks for too much is told
// when to come back; a handler that panics, hangs or fails takes nothing else with it; events and key changes reach a
// function in order, one at a time over all its instances, and are acknowledged after their effect; what cannot be
// handled is set aside in the stream [PoisonStream] and reported, neither looped on nor lost.
package functions
