package wire

import (
	"encoding/json"
	"time"
)

// RegisterAgentRequest is an agent's registration at a node.
type RegisterAgentRequest struct {
	Name                string      `json:"name"`
	Type                string      `json:"register_type"`
	Description         string      `json:"description"`
	Version             string      `json:"version"`
	MaxWorkloads        int         `json:"max_workloads"` // not enforced
	PublicXKey          string      `json:"public_xkey"`
	SupportedLifecycles []Lifecycle `json:"supported_lifecycles,omitempty"`
	StartRequestSchema  string      `json:"start_request_schema"`
}

// RegisterAgentResponse answers Register. ExistingState is what the agent ran before, by id.
type RegisterAgentResponse struct {
	Success        bool                                 `json:"success"`
	Message        string                               `json:"message"`
	NodeID         string                               `json:"node_id"`
	ConnectionData ConnectionData                       `json:"connection_data"`
	ExistingState  map[string]AgentStartWorkloadRequest `json:"existing_state"`
}

// RegisterRemoteAgentRequest asks for a node to register at.
type RegisterRemoteAgentRequest struct{}

// RegisterRemoteAgentResponse names a node, and the id and credentials to register with.
type RegisterRemoteAgentResponse struct {
	AssignedAgentID   string         `json:"assigned_agent_id"`
	RegistrationCreds ConnectionData `json:"registration_creds,omitzero"`
	RespondTo         string         `json:"respond_to"` // a node
}

// ConnectionData says how to connect to NATS. It contains secrets.
type ConnectionData struct {
	Servers  []string `json:"nats_servers"`
	JWT      string   `json:"nats_user_jwt"`
	Seed     string   `json:"nats_user_seed"`
	NKey     string   `json:"nats_user_nkey"`
	User     string   `json:"nats_user_name"`
	Password string   `json:"nats_user_password"`
	ConnName string   `json:"conn_name"`
	TLSCA    string   `json:"tls_ca"`
	TLSCert  string   `json:"tls_cert"`
	TLSKey   string   `json:"tls_key"`
	TLSFirst bool     `json:"tls_first"`
}

// String hides the secrets.
func (ConnectionData) String() string { return "[connection data]" }

// GoString hides the secrets.
func (c ConnectionData) GoString() string { return c.String() }

// AgentStartWorkloadRequest is what an agent gets: the StartWorkloadRequest as it came, and credentials that Nex made
// for the workload.
type AgentStartWorkloadRequest struct {
	Request       json.RawMessage `json:"request"`
	WorkloadCreds ConnectionData  `json:"workload_creds"`
}

// AgentHeartbeat says that an agent is alive, and how it is.
type AgentHeartbeat struct {
	Summary AgentSummary `json:"summary"`
	Data    string       `json:"data"`
}

// AgentSummary describes an agent.
type AgentSummary struct {
	Name                string    `json:"name"`
	Type                string    `json:"type"`
	Version             string    `json:"version"`
	StartTime           time.Time `json:"start_time"`
	State               string    `json:"state"`                // AgentRunning and so on
	SupportedLifecycles string    `json:"supported_lifecycles"` // with commas
	WorkloadCount       int       `json:"workload_count"`
}

// The states of an agent, and what a node makes of them.
const (
	AgentStarting = "starting" // degraded
	AgentRunning  = "running"  // healthy; only then is it given work
	AgentLameduck = "lameduck" // shutting down
	AgentStopping = "stopping" // shutting down
	AgentError    = "error"    // degraded
)

// HeaderAgentID is the header with the agent's id in a reply to PingAgents, PingAgent and SetLameduck.
const HeaderAgentID = "agentId"

// FindWorkloadResponse answers Find.
type FindWorkloadResponse struct {
	NodeID string `json:"node_id"`
}
