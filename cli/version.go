package cli

import (
	"cmp"
	"context"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v2"
)

// stamp is set by the Makefile: git describe --tags --always --dirty. Without it the build information of Go counts.
var stamp string

func versionCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "version",
		Usage:    "print the version",
		Category: categoryLook,
		Description: `Prints the version, and with --json the commit and whether files differed from it. natster
--version does the same.

   natster version`,
		Action: args(0, 0, func(context.Context, *cli.Context, []string) error {
			v := readVersion()
			return e.Print(v, func() { e.Say("natster %s (%s, %s/%s)", v.Version, v.Go, runtime.GOOS, runtime.GOARCH) })
		}),
	}
}

// A version says what this program was built from.
type version struct {
	Version  string `json:"version"` // as git or Go describes it, or "unknown"
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified,omitempty"` // there were changes that are in no commit
	Go       string `json:"go"`
}

func readVersion() version {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = new(debug.BuildInfo)
	}
	return versionOf(stamp, info)
}

// versionOf returns the version of a build: the stamp, or else the module's version, which Go takes from git, or else
// the commit.
func versionOf(stamp string, info *debug.BuildInfo) version {
	v := version{Go: runtime.Version()}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	module, _ := strings.CutPrefix(info.Main.Version, "(devel)")
	v.Version = cmp.Or(stamp, module, v.Commit, "unknown")
	return v
}

var (
	sinceTag     = regexp.MustCompile(`-(\d+)-(g[0-9a-f]+)$`)
	commitForm   = regexp.MustCompile(`^[0-9a-f]{7,64}$`)
	semanticForm = regexp.MustCompile(`^\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$`)
)

// semantic returns the version as semantic versioning has it, or nothing if it has no number: v1.2.0-5-gabcdef0-dirty,
// which git describe says of five commits after v1.2.0, is 1.2.0+5.gabcdef0.dirty, and a commit abcdef0 without a tag
// 0.0.0+abcdef0.
func (v version) semantic() string {
	s, dirty := strings.CutSuffix(v.Version, "-dirty")
	s = sinceTag.ReplaceAllString(s, "+$1.$2")
	if commitForm.MatchString(s) {
		s = "0.0.0+" + s
	}
	switch s = strings.TrimPrefix(s, "v"); {
	case !semanticForm.MatchString(s):
		return ""
	case !dirty:
		return s
	case strings.Contains(s, "+"):
		return s + ".dirty"
	}
	return s + "+dirty"
}
