package wire

// Types of events on the feed.
const (
	WorkloadStarted   = "WORKLOADSTARTED"
	WorkloadStopped   = "WORKLOADSTOPPED"
	WorkloadTriggered = "WORKLOADTRIGGERED"
	NodeStarted       = "NODESTARTED"
	NodeStopped       = "NODESTOPPED"
	NodeLameduckSet   = "NODELAMEDUCKSET"
	AgentStopped      = "AGENTSTOPPED"
)

type WorkloadStartedEvent struct {
	ID        string            `json:"id"`
	Namespace string            `json:"namespace"`
	Type      string            `json:"workload_type"`
	Metadata  map[string]string `json:"metadata,omitempty"`
}

type WorkloadStoppedEvent struct {
	ID        string            `json:"id"`
	Namespace string            `json:"namespace"`
	Type      string            `json:"workload_type"`
	Metadata  map[string]string `json:"metadata,omitempty"`
	Error     *StopReason       `json:"error,omitempty"`
}

// StopReason is why a workload stopped that was not asked to.
type StopReason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// WorkloadTriggeredEvent stands for Count runs, of which the last took Duration. Count is ours: Nex knows the others.
type WorkloadTriggeredEvent struct {
	ID        string  `json:"id"`
	Namespace string  `json:"namespace"`
	Duration  float64 `json:"duration"` // milliseconds
	Count     uint64  `json:"count,omitempty"`
	Errors    uint64  `json:"errors,omitempty"`
}

type NodeStartedEvent struct {
	Kind  string `json:"type"` // NodeStartedKind
	ID    string `json:"id"`
	Name  string `json:"name"`
	Nexus string `json:"nexus"`
	Tags  Tags   `json:"tags"`
}

// NodeStartedKind is the type in a NodeStartedEvent.
const NodeStartedKind = "io.synadia.nex.event.nexnode_started"
