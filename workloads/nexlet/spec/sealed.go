package spec

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nkeys"

	"natster/internal/sealedbox"
)

// A Sealed is an environment that only the holder of one curve key can open. The form is Nex's own.
type Sealed struct {
	By   string `json:"encrypted_by" jsonschema:"public curve key of who sealed it"`
	Text string `json:"base64_encrypted_env" jsonschema:"sealed JSON of the workload's name and the environment"`
}

// sealedText is the content. Its name binds it to one workload: another cannot open it.
type sealedText struct {
	Workload    string            `json:"workload"`
	Environment map[string]string `json:"environment"`
}

// ErrSealed is wrapped by errors about an environment that cannot be opened.
var ErrSealed = errors.New("the sealed environment cannot be opened")

// Seal seals an environment to the curve key of a nexlet, as in its bids, for the workload of that name only.
func Seal(env map[string]string, workload, nexletXKey string) (*Sealed, error) {
	text, err := json.Marshal(sealedText{workload, env})
	if err != nil {
		return nil, fmt.Errorf("seal the environment: %w", err)
	}
	sender, sealed, err := sealedbox.Seal(text, nexletXKey)
	if err != nil {
		return nil, fmt.Errorf("seal the environment: %w", err)
	}
	return &Sealed{By: sender, Text: base64.StdEncoding.EncodeToString(sealed)}, nil
}

// Open opens what was sealed to key for the workload of that name. Its errors reveal nothing of the content.
func (s *Sealed) Open(key nkeys.KeyPair, workload string) (map[string]string, error) {
	sealed, err := base64.StdEncoding.DecodeString(s.Text)
	if err != nil {
		return nil, fmt.Errorf("%w: it is not base64", ErrSealed)
	}
	text, err := sealedbox.Open(sealed, s.By, key)
	if err != nil {
		public, keyErr := key.PublicKey()
		if keyErr != nil {
			return nil, fmt.Errorf("%w: %w", ErrSealed, keyErr)
		}
		return nil, fmt.Errorf("%w: it was sealed for another key than this nexlet's %s, or damaged; "+
			"seal it again, for this one", ErrSealed, public)
	}
	var inside sealedText
	if err := json.Unmarshal(text, &inside); err != nil {
		return nil, fmt.Errorf("%w: its content is not valid", ErrSealed)
	}
	if inside.Workload != workload {
		return nil, fmt.Errorf("%w: it was sealed for a workload of another name than %q; seal it again, for this one",
			ErrSealed, workload)
	}
	return inside.Environment, nil
}

func (s *Sealed) check() error {
	if !nkeys.IsValidPublicCurveKey(s.By) {
		return errors.New("encrypted_by is not a public curve key")
	}
	if s.Text == "" {
		return errors.New("base64_encrypted_env is empty")
	}
	return nil
}
