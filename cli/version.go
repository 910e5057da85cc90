package cli

import (
	"context"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v2"
)

func versionCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "version",
		Usage:    "print the version",
		Category: categoryLook,
		Description: `Prints version, commit and Go release. natster --version does the same.

   natster version`,
		Action: args(0, 0, func(context.Context, *cli.Context, []string) error {
			v := readVersion()
			return e.print(v, func() {
				e.say("natster %s (%s, %s/%s)", v.Version, v.Go, runtime.GOOS, runtime.GOARCH)
			})
		}),
	}
}

// semantic is the version as semantic versioning has it, or nothing.
func (v version) semantic() string {
	if s, ok := strings.CutPrefix(v.Version, "v"); ok {
		return s
	}
	return ""
}

type version struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
}

// stamp is set by the build, where it knows better than Go does: git describe.
var stamp string

func readVersion() version {
	v := version{Version: "unknown", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if v.Version = info.Main.Version; stamp != "" {
		v.Version = stamp
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v.Commit = s.Value
		}
	}
	return v
}
