package spec

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"natster/events"
	"natster/workloads/nexlet/wire"
)

// Type is the workload type that the nexlet registers. No other type may begin with it, because nodes find stored
// workloads by this prefix.
const Type = "natster"

// A Start is the start request of a workload: a function or a catalog, and how to run it.
type Start struct {
	Function    string   `json:"function,omitempty" jsonschema:"name of a function that the nexlet has"`
	Catalog     *Catalog `json:"catalog,omitempty" jsonschema:"a catalog to serve"`
	Config      *Config  `json:"config,omitempty" jsonschema:"how it is run; everything has a default"`
	Environment *Sealed  `json:"encrypted_environment,omitempty" jsonschema:"secrets, sealed to the nexlet's curve key"`
}

// A Catalog is a directory served under a catalog's name.
type Catalog struct {
	Name string `json:"name" jsonschema:"the catalog's name"`
	Dir  string `json:"dir" jsonschema:"its directory, relative to the nexlet's own directory of catalogs"`
	// As is the name under which the nexlet has the credentials of the catalog's owner. If empty, the catalog's name.
	As string `json:"as,omitempty" jsonschema:"whose catalog it is: the nexlet has credentials under that name"`
}

// Config says how a workload is run.
type Config struct {
	Deadline string `json:"deadline,omitempty" jsonschema:"how long a request may take, such as 5s"`
	Most     int    `json:"most,omitempty" jsonschema:"how many requests are handled at once"`
	Log      string `json:"log,omitempty" jsonschema:"the least level that is logged: debug, info, warn or error"`
}

// ErrStart is wrapped by every error about an invalid start request.
var ErrStart = errors.New("start request")

var functionName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

// bad returns an error that wraps [ErrStart].
func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrStart, fmt.Errorf(format, args...))
}

// Parse reads a start request. It refuses what no nexlet could start.
func Parse(text string) (Start, error) {
	var s Start
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return s, bad("%s is no field of it (it has: function or catalog, config, encrypted_environment)", field)
		}
		if errors.Is(err, io.EOF) {
			return s, bad(`it is empty; the least is {"function":"otc"}`)
		}
		return s, bad("it is not the JSON that it should be: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return s, bad("something follows the JSON")
	}
	return s, s.Check()
}

// Check returns an error that says what is wrong with s.
func (s Start) Check() error {
	switch {
	case s.Function != "" && s.Catalog != nil:
		return bad("it has a function and a catalog; deploy them as two workloads")
	case s.Function == "" && s.Catalog == nil:
		return bad(`it has neither a function nor a catalog; ` +
			`say {"function":"otc"} or {"catalog":{"name":"films","dir":"films"}}`)
	case s.Function != "" && !functionName.MatchString(s.Function):
		return bad("%q is no name of a function", s.Function)
	}
	if c := s.Catalog; c != nil {
		if _, err := events.ParseCatalog(c.Name); err != nil {
			return bad("catalog name: %w", err)
		}
		if !filepath.IsLocal(c.Dir) {
			return bad("catalog directory %q: it is relative to the nexlet's directory of catalogs, "+
				"and cannot leave it", c.Dir)
		}
		if c.As != "" && !events.IsAccountName(c.As) {
			return bad("catalog's \"as\": %q is no name of an account", c.As)
		}
	}
	if e := s.Environment; e != nil {
		if err := e.check(); err != nil {
			return bad("encrypted_environment: %w", err)
		}
	}
	_, _, err := s.Config.Limits()
	return err
}

// Limits returns how long a request may take, and how many are handled at once; 0 if c, which may be nil, does not say.
func (c *Config) Limits() (deadline time.Duration, maxInFlight int, err error) {
	if c == nil {
		return 0, 0, nil
	}
	if c.Deadline != "" {
		if deadline, err = time.ParseDuration(c.Deadline); err != nil || deadline <= 0 || deadline > time.Minute {
			return 0, 0, bad("config: deadline %q is no duration up to a minute, such as 5s", c.Deadline)
		}
	}
	if c.Most < 0 {
		return 0, 0, bad("config: %d requests at once", c.Most)
	}
	switch c.Log {
	case "", "debug", "info", "warn", "error":
	default:
		return 0, 0, bad("config: log level %q is none of debug, info, warn and error", c.Log)
	}
	return deadline, c.Most, nil
}

// Name returns the name of the workload, if it is given no other.
func (s Start) Name() string {
	if s.Catalog != nil {
		return "catalog-" + s.Catalog.Name
	}
	return s.Function
}

// Lifecycle returns the lifecycle of the workload: Service for a catalog, Function for a function.
func (s Start) Lifecycle() wire.Lifecycle {
	if s.Catalog != nil {
		return wire.Service
	}
	return wire.Function
}

// Account returns the name under which the nexlet has the credentials of the catalog's owner.
func (c Catalog) Account() string { return cmp.Or(c.As, c.Name) }

// JSON returns the start request as it is sent.
func (s Start) JSON() string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings and numbers
	}
	return string(text)
}

// Fingerprint returns a short hash of s: equal starts have the same, different ones another. It leaves out the sealed
// environment, because sealing the same again gives another text.
func (s Start) Fingerprint() string {
	s.Environment = nil
	sum := sha256.Sum256([]byte(s.JSON()))
	return hex.EncodeToString(sum[:6])
}
