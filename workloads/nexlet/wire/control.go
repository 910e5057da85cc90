package wire

import (
	"encoding/json"
	"time"
)

// Tags describe a node, or are required of one. Keys that begin with "nex." are set by the node itself.
type Tags map[string]string

// Tags that every node has.
const (
	TagNode     = "nex.node"     // its name
	TagNexus    = "nex.nexus"    // the nodes that belong together
	TagLameduck = "nex.lameduck" // "true" when it is about to end
)

// NodePingRequest is answered by nodes that have every tag of the filter.
type NodePingRequest struct {
	Filter Tags `json:"filter"`
}

// NodePingResponse describes a node, without its agents.
type NodePingResponse struct {
	NodeID     string    `json:"node_id"`
	Version    string    `json:"version"`
	StartTime  time.Time `json:"start_time"`
	State      string    `json:"state"` // starting, running, lameduck, stopping, error
	AgentCount int       `json:"agent_count"`
	XKey       string    `json:"xkey"`
	Tags       Tags      `json:"tags"`
}

// NodeInfoRequest asks one node for itself and its agents.
type NodeInfoRequest struct{}

// NodeInfoResponse describes a node and its agents.
type NodeInfoResponse struct {
	NodeID  string             `json:"node_id"`
	Version string             `json:"version"`
	Uptime  string             `json:"uptime"` // a Go duration
	XKey    string             `json:"xkey"`
	Tags    Tags               `json:"tags"`
	Agents  []NodeAgentSummary `json:"node_agent_summaries,omitempty"`
}

// NodeAgentSummary describes an agent, as its node sees it.
type NodeAgentSummary struct {
	AgentID       string       `json:"agent_id"`
	Health        string       `json:"agent_health"` // healthy, shutting down, degraded, offline, unknown
	Stoplight     string       `json:"agent_health_stoplight"`
	LastHeartbeat time.Time    `json:"agent_last_heartbeat_time"`
	Summary       AgentSummary `json:"agent_summary"`
}

// NodeHeartbeatBody lists a node's agents as text: `<agent> [type], <agent> [type]`.
type NodeHeartbeatBody struct {
	Registrations string `json:"registrations"`
}

// AuctionRequest asks nodes with all the tags and a healthy agent of the type for bids.
type AuctionRequest struct {
	AgentType string `json:"agent_type"`
	AuctionID string `json:"auction_id"`
	Tags      Tags   `json:"tags"`
}

// AuctionResponse is a bid. It is valid for seconds and does not name its node.
type AuctionResponse struct {
	BidderID            string      `json:"bidder_id"`
	XKey                string      `json:"xkey"` // the agent's curve key
	SupportedLifecycles []Lifecycle `json:"supported_lifecycles"`
	StartRequestSchema  string      `json:"start_request_schema"`
}

// A Lifecycle says how long a workload runs.
type Lifecycle string

// The lifecycles.
const (
	Service  Lifecycle = "service"
	Job      Lifecycle = "job"
	Function Lifecycle = "function"
)

// UnmarshalJSON refuses an unknown lifecycle, as Nex does.
func (l *Lifecycle) UnmarshalJSON(data []byte) error {
	return enum(data, (*string)(l), "service", "job", "function")
}

// StartWorkloadRequest is what a workload is deployed with. The agent gets it unchanged, and the node may store it.
type StartWorkloadRequest struct {
	Namespace   string          `json:"namespace"`
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Type        string          `json:"workload_type"`
	Lifecycle   Lifecycle       `json:"workload_lifecycle"`
	RunRequest  string          `json:"run_request"` // JSON of the start request, which only the agent understands
	Tags        Tags            `json:"tags"`
	Metadata    json.RawMessage `json:"metadata,omitempty"`
	Reference   string          `json:"reference,omitempty"`
}

// MaxStored is the size of the largest StartWorkloadRequest, in bytes of JSON, that a node can store. A larger one
// would start, and be forgotten when the node restarts.
const MaxStored = 10_000

// StartWorkloadResponse names the workload that was started.
type StartWorkloadResponse struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// StopWorkloadRequest stops a workload; the subject has its id.
type StopWorkloadRequest struct {
	Namespace string `json:"namespace"`
}

// StopWorkloadResponse says whether the workload was stopped here.
type StopWorkloadResponse struct {
	ID      string `json:"id"`
	Type    string `json:"workload_type"`
	Stopped bool   `json:"stopped"`
	Message string `json:"message"`
}

// NotFound is the message of a StopWorkloadResponse from an agent or node that does not have the workload.
const NotFound = "workload not found"

// AgentListWorkloadsRequest asks for the workloads of a namespace with these ids or names; an empty filter means all.
type AgentListWorkloadsRequest struct {
	Namespace string   `json:"namespace"`
	Filter    []string `json:"filter"`
}

// WithLogs is a word that Natster's nexlet accepts in a list's filter, beside ids and names: it then adds the last
// lines of each workload's log to the metadata, under MetaLog. Nex's feeds keep nothing.
const (
	WithLogs = ":logs"
	MetaLog  = "log" // lines, each "stdout" or "stderr", a tab and the text
)

// WorkloadSummary is one workload in a list.
type WorkloadSummary struct {
	ID        string            `json:"id"`
	Name      string            `json:"name"`
	Namespace string            `json:"namespace,omitempty"`
	StartTime string            `json:"start_time"`
	Runtime   string            `json:"runtime"`
	Type      string            `json:"workload_type"`
	Lifecycle Lifecycle         `json:"workload_lifecycle"`
	State     WorkloadState     `json:"workload_state"`
	Tags      Tags              `json:"tags"`
	Metadata  map[string]string `json:"metadata,omitempty"`
}

// A WorkloadState is the state of a workload.
type WorkloadState string

// The states.
const (
	Starting WorkloadState = "starting"
	Running  WorkloadState = "running"
	Stopping WorkloadState = "stopping"
	Failed   WorkloadState = "error"
)

// UnmarshalJSON refuses an unknown state, as Nex does.
func (s *WorkloadState) UnmarshalJSON(data []byte) error {
	return enum(data, (*string)(s), "starting", "running", "warm", "stopping", "stopped", "error")
}

// CloneWorkloadRequest asks for what a workload was deployed with; the subject has its id.
type CloneWorkloadRequest struct {
	Namespace     string `json:"namespace"`
	NewTargetXKey string `json:"new_target_xkey"` // required and ignored
}

// LameduckRequest makes a node or an agent take no more work and end after a delay.
type LameduckRequest struct {
	Delay string `json:"delay"` // a Go duration
	Tag   Tags   `json:"tag,omitempty"`
}

// LameduckResponse answers a LameduckRequest.
type LameduckResponse struct {
	Success bool   `json:"success"`
	Message string `json:"message"`
}
