// Package gate lets WebSockets of the website through to the world's NATS server, and vouches for them there.
//
//	gate.go    Gate: forwards a WebSocket, for as long as its request lives
//	conn.go    the two directions of one: who connects, and that nobody else does on it later
//	scan.go    the commands of a NATS client, told apart
//	frames.go  the frames of a WebSocket, taken apart
//
// Users of web sessions need a proxy that the NATS server trusts (proxy_required in the template of their account's web
// key). The gate is that proxy: it signs the server's challenge with a key of its own, which goes into the client's
// CONNECT beside the client's signature, if the user's JWT is one that this session may use. So a user is worth nothing
// anywhere else, neither on the server's own WebSocket port nor through another session, and ends with its session.
// A client that could send CONNECT again would become another user under the same signature: the gate ends such a
// connection. So it does where an answer is to go elsewhere than to the user's own inbox: whoever answers would publish
// there in the user's account, past the user's permissions. The gate can read the user's JWT, and all that passes; it
// cannot act as the user, whose key stays in the browser.
package gate
