// Package fences attacks a running world with what the functions themselves hold, and watches that nothing is heard and
// nothing has changed outside. Every function's credentials are tried against every attack, by every request that the
// function may make, twice: as the function's own user, and as a user of its account who has every right there. That
// the second does no more than the first is the point: the account is the boundary. An account like all others, which
// may ask whatever the functions answer, is tried as well.
//
// All that is done on one server, and on three: there whoever attacks is connected to another server than the functions
// and the leaders of the streams, and than those who listen.
//
//	stage_test.go    one server, or three
//	fences_test.go   the table: functions against attacks, and that each attack works where there is no fence
//	attacks_test.go  the attacks: what a reply may be addressed to
//	thief_test.go    whoever has a function's credentials: what it may ask for, with which bodies
//	hears_test.go    what functions hear, and answers that are sent on to a function's own imports
//	tokens_test.go   imports of what only functions import, by an account of a user
//	greed_test.go    an account that asks for everything at once, beside one that does not
//	watch_test.go    the victims: who hears what, and what JetStream has
package fences
