package wire

import (
	"encoding/json"
	"time"
)

// Tags describe a node or are asked of one. Keys that begin with "nex." are the node's own.
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

type NodePingResponse struct {
	NodeID     string    `json:"node_id"`
	Version    string    `json:"version"`
	StartTime  time.Time `json:"start_time"`
	State      string    `json:"state"` // starting, running, lameduck, stopping, error
	AgentCount int       `json:"agent_count"`
	XKey       string    `json:"xkey"`
	Tags       Tags      `json:"tags"`
}

type NodeInfoRequest struct{}

type NodeInfoResponse struct {
	NodeID  string             `json:"node_id"`
	Version string             `json:"version"`
	Uptime  string             `json:"uptime"` // a Go duration
	XKey    string             `json:"xkey"`
	Tags    Tags               `json:"tags"`
	Agents  []NodeAgentSummary `json:"node_agent_summaries,omitempty"`
}

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

type AuctionRequest struct {
	AgentType string `json:"agent_type"`
	AuctionID string `json:"auction_id"`
	Tags      Tags   `json:"tags"`
}

// AuctionResponse is a bid. It is good for seconds and names no node.
type AuctionResponse struct {
	BidderID            string      `json:"bidder_id"`
	XKey                string      `json:"xkey"` // the agent's curve key
	SupportedLifecycles []Lifecycle `json:"supported_lifecycles"`
	StartRequestSchema  string      `json:"start_request_schema"`
}

// A Lifecycle is how a workload lives.
type Lifecycle string

// The lifecycles.
const (
	Service  Lifecycle = "service"
	Job      Lifecycle = "job"
	Function Lifecycle = "function"
)

// UnmarshalJSON refuses what is no lifecycle, as Nex does.
func (l *Lifecycle) UnmarshalJSON(data []byte) error {
	return enum(data, (*string)(l), "service", "job", "function")
}

// StartWorkloadRequest is what a workload is deployed with. The agent gets it as it came, and the node may store it.
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

// MaxStored is the largest StartWorkloadRequest, in bytes of JSON, that a node can store; a larger one would start, and be
// forgotten when the node restarts.
const MaxStored = 10_000

type StartWorkloadResponse struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type StopWorkloadRequest struct {
	Namespace string `json:"namespace"`
}

type StopWorkloadResponse struct {
	ID      string `json:"id"`
	Type    string `json:"workload_type"`
	Stopped bool   `json:"stopped"`
	Message string `json:"message"`
}

// NotFound is the message of a StopWorkloadResponse from who does not have the workload.
const NotFound = "workload not found"

// AgentListWorkloadsRequest asks for workloads of a namespace, by id or name; an empty filter is all.
type AgentListWorkloadsRequest struct {
	Namespace string   `json:"namespace"`
	Filter    []string `json:"filter"`
}

// WithLogs is a word in a list's filter that Natster's nexlet understands, beside ids and names: it adds the last lines of
// each workload's log to the metadata, under MetaLog. Nex's feeds keep nothing.
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

// A WorkloadState is how a workload does.
type WorkloadState string

// The states.
const (
	Starting WorkloadState = "starting"
	Running  WorkloadState = "running"
	Warm     WorkloadState = "warm"
	Stopping WorkloadState = "stopping"
	Stopped  WorkloadState = "stopped"
	Failed   WorkloadState = "error"
)

// UnmarshalJSON refuses what is no state, as Nex does.
func (s *WorkloadState) UnmarshalJSON(data []byte) error {
	return enum(data, (*string)(s), "starting", "running", "warm", "stopping", "stopped", "error")
}

type CloneWorkloadRequest struct {
	Namespace     string `json:"namespace"`
	NewTargetXKey string `json:"new_target_xkey"` // required and ignored
}

type LameduckRequest struct {
	Delay string `json:"delay"` // a Go duration
	Tag   Tags   `json:"tag,omitempty"`
}

type LameduckResponse struct {
	Success bool   `json:"success"`
	Message string `json:"message"`
}
