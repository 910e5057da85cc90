package wire

// Types of events on the feed.
const (
	WorkloadStarted   = "WORKLOADSTARTED"
	WorkloadStopped   = "WORKLOADSTOPPED"
	WorkloadTriggered = "WORKLOADTRIGGERED"
	NodeStarted       = "NODESTARTED"
	NodeStopped       = "NODESTOPPED"
	NodeLameduckSet   = "NODELAMEDUCKSET"
)

// WorkloadStartedEvent says that a workload was started.
type WorkloadStartedEvent struct {
	ID        string            `json:"id"`
	Namespace string            `json:"namespace"`
	Type      string            `json:"workload_type"`
	Metadata  map[string]string `json:"metadata,omitempty"`
}

// WorkloadStoppedEvent says that a workload has stopped.
type WorkloadStoppedEvent struct {
	ID        string            `json:"id"`
	Namespace string            `json:"namespace"`
	Type      string            `json:"workload_type"`
	Metadata  map[string]string `json:"metadata,omitempty"`
	Error     *StopReason       `json:"error,omitempty"`
}

// StopReason says why a workload stopped although it was not asked to.
type StopReason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// WorkloadTriggeredEvent stands for Count runs, the last of which took Duration. Count and Errors are not in Nex's own
// events.
type WorkloadTriggeredEvent struct {
	ID        string  `json:"id"`
	Namespace string  `json:"namespace"`
	Duration  float64 `json:"duration"` // milliseconds
	Count     uint64  `json:"count,omitempty"`
	Errors    uint64  `json:"errors,omitempty"`
}

// NodeStartedEvent says that a node was started.
type NodeStartedEvent struct {
	Kind  string `json:"type"` // NodeStartedKind
	ID    string `json:"id"`
	Name  string `json:"name"`
	Nexus string `json:"nexus"`
	Tags  Tags   `json:"tags"`
}

// NodeStartedKind is the type in a NodeStartedEvent.
const NodeStartedKind = "io.synadia.nex.event.nexnode_started"
