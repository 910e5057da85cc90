package wire

import "time"

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

type RegisterAgentResponse struct {
	Success        bool                                 `json:"success"`
	Message        string                               `json:"message"`
	NodeID         string                               `json:"node_id"`
	ConnectionData ConnectionData                       `json:"connection_data"`
	ExistingState  map[string]AgentStartWorkloadRequest `json:"existing_state"`
}

type RegisterRemoteAgentRequest struct{}

type RegisterRemoteAgentResponse struct {
	AssignedAgentID   string         `json:"assigned_agent_id"`
	RegistrationCreds ConnectionData `json:"registration_creds,omitzero"`
	RespondTo         string         `json:"respond_to"` // a node
}

// ConnectionData is how to connect to NATS. It holds secrets.
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

// String does not show the secrets.
func (ConnectionData) String() string { return "[connection data]" }

// GoString does not show the secrets.
func (c ConnectionData) GoString() string { return c.String() }

// AgentStartWorkloadRequest is what an agent gets: what was asked for, and credentials that Nex made for the workload.
type AgentStartWorkloadRequest struct {
	Request       StartWorkloadRequest `json:"request"`
	WorkloadCreds ConnectionData       `json:"workload_creds"`
}

type AgentHeartbeat struct {
	Summary AgentSummary `json:"summary"`
	Data    string       `json:"data"`
}

type AgentSummary struct {
	Name                string    `json:"name"`
	Type                string    `json:"type"`
	Version             string    `json:"version"`
	StartTime           time.Time `json:"start_time"`
	State               string    `json:"state"`                // AgentRunning and so on
	SupportedLifecycles string    `json:"supported_lifecycles"` // with commas
	WorkloadCount       int       `json:"workload_count"`
}

// The states of an agent, and how healthy a node takes it for.
const (
	AgentStarting = "starting" // degraded
	AgentRunning  = "running"  // healthy: only now does it get work
	AgentLameduck = "lameduck" // shutting down
	AgentStopping = "stopping" // shutting down
	AgentError    = "error"    // degraded
)

// Headers of agents' replies.
const (
	HeaderAgentID   = "agentId"     // of a reply to a ping or a lameduck
	HeaderWorkload  = "workload_id" // of the reply to a trigger
	HeaderNamespace = "namespace"   // of the reply to a trigger
)

// FindWorkloadResponse answers Find.
type FindWorkloadResponse struct {
	NodeID string `json:"node_id"`
}
