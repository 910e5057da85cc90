package wire

import "strings"

const (
	service = "$NEX.SVC."
	feed    = "$NEX.FEED."

	// System is the namespace of the administrator, who may speak for every other.
	System = "system"
)

// Requests of clients to nodes. The first four exist in namespace system only.

// Ping is `$NEX.SVC.system.control.PING`, and every node answers; with a node `….PING.<node>`.
func Ping(node string) string { return tail(service+System+".control.PING", node) }

// Info is `$NEX.SVC.system.control.INFO.<node>`.
func Info(node string) string { return service + System + ".control.INFO." + node }

// Lameduck is `$NEX.SVC.system.control.LAMEDUCK.<node>`.
func Lameduck(node string) string { return service + System + ".control.LAMEDUCK." + node }

// NodeHeartbeat is `$NEX.SVC.system.control.HEARTBEAT.<node>`, published by the node every 10 s.
func NodeHeartbeat(node string) string { return service + System + ".control.HEARTBEAT." + node }

// Auction is `$NEX.SVC.<ns>.control.AUCTION`: each node that could run it bids.
func Auction(ns string) string { return control(ns, "AUCTION", "") }

// Deploy is `$NEX.SVC.<ns>.control.ADEPLOY.<bid>`: the node that made the bid answers.
func Deploy(ns, bid string) string { return control(ns, "ADEPLOY", bid) }

// Undeploy is `$NEX.SVC.<ns>.control.UNDEPLOY.<workload>`: each node answers.
func Undeploy(ns, workload string) string { return control(ns, "UNDEPLOY", workload) }

// List is `$NEX.SVC.<ns>.control.WPING`: each node answers.
func List(ns string) string { return control(ns, "WPING", "") }

// Clone is `$NEX.SVC.<ns>.control.CLONE.<workload>`: the node that has it answers with what it was deployed with.
func Clone(ns, workload string) string { return control(ns, "CLONE", workload) }

func control(ns, verb, of string) string { return tail(service+ns+".control."+verb, of) }

// Requests between nodes and agents.

// RegisterRemote is `$NEX.SVC.<nexus>.agent.RREGISTER`: one node of the nexus answers.
func RegisterRemote(nexus string) string { return service + nexus + ".agent.RREGISTER" }

// Register is `$NEX.SVC.<node>.agent.REGISTER.<agent>`.
func Register(node, agent string) string { return agentVerb(node, "REGISTER", agent) }

// Heartbeat is `$NEX.SVC.<node>.agent.HEARTBEAT.<agent>`, published by the agent.
func Heartbeat(node, agent string) string { return agentVerb(node, "HEARTBEAT", agent) }

// Start is `$NEX.SVC.<node>.agent.<agent>.STARTWORKLOAD.<workload>`.
func Start(node, agent, workload string) string {
	return service + node + ".agent." + agent + ".STARTWORKLOAD." + workload
}

// Stop is `$NEX.SVC.<node>.agent.STOPWORKLOAD.<workload>`: every agent of the node answers.
func Stop(node, workload string) string { return agentVerb(node, "STOPWORKLOAD", workload) }

// Get is `$NEX.SVC.<node>.agent.GETWORKLOAD.<workload>`: only the agent that has it answers.
func Get(node, workload string) string { return agentVerb(node, "GETWORKLOAD", workload) }

// Query is `$NEX.SVC.<node>.agent.QUERYWORKLOADS`: every agent of the node answers.
func Query(node string) string { return agentVerb(node, "QUERYWORKLOADS", "") }

// SetLameduck is `$NEX.SVC.<node>.agent.SETLAMEDUCK`: every agent of the node answers.
func SetLameduck(node string) string { return agentVerb(node, "SETLAMEDUCK", "") }

// PingAgents is `$NEX.SVC.<node>.agent.PING`: every agent of the node answers.
func PingAgents(node string) string { return agentVerb(node, "PING", "") }

// PingAgent is `$NEX.SVC.<node>.agent.<agent>.PING`.
func PingAgent(node, agent string) string { return service + node + ".agent." + agent + ".PING" }

// Find is `$NEX.SVC.<nexus>.agent.PINGWORKLOAD.<workload>`: the agent that has it answers with its node.
func Find(nexus, workload string) string { return agentVerb(nexus, "PINGWORKLOAD", workload) }

func agentVerb(node, verb, of string) string { return tail(service+node+".agent."+verb, of) }

// Feeds. Owner is a namespace; or, under credentials that Nex minted, the id of an agent; or a node.

// Logs is `$NEX.FEED.<owner>.logs.<workload>.<stdout|stderr>`.
func Logs(owner, workload, stream string) string {
	return feed + owner + ".logs." + workload + "." + stream
}

// Events is `$NEX.FEED.<owner>.events.<type>`.
func Events(owner, kind string) string { return feed + owner + ".events." + kind }

// Last returns the last token of a subject: the workload, bid or agent in most of them.
func Last(subject string) string { return subject[strings.LastIndexByte(subject, '.')+1:] }

// Token returns the token at index i of a subject, counted from 0, or empty.
func Token(subject string, i int) string {
	tokens := strings.Split(subject, ".")
	if i >= len(tokens) {
		return ""
	}
	return tokens[i]
}

// IsToken reports whether s can be one token of a subject: a namespace, a name, an id.
func IsToken(s string) bool { return s != "" && !strings.ContainsAny(s, ".*> \t\r\n") }

func tail(subject, of string) string {
	if of == "" {
		return subject
	}
	return subject + "." + of
}
