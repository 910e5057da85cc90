package catalog

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"natster/internal/brief"
)

// ErrSystem is wrapped by every error about a path that is good in a catalog and that this system cannot have.
var ErrSystem = errors.New("not a name that this system can hold")

// CheckOn returns an error that wraps [ErrSystem] unless a good path can be made on a system, which is named as
// runtime.GOOS names it. Windows removes dots and spaces at the end of a name, reads "file:ads" as a stream of a file,
// and has names that are devices in every directory. Limits of the disk itself are not checked.
func CheckOn(goos, path string) error {
	if goos != "windows" {
		return nil
	}
	for name := range strings.SplitSeq(path, "/") {
		why := ""
		switch i := strings.IndexAny(name, `<>:"|?*`); {
		case i >= 0:
			why = fmt.Sprintf("it has %q in a name", name[i])
		case strings.HasSuffix(name, ".") || strings.HasSuffix(name, " "):
			why = "a name in it ends in a dot or a space"
		case device.MatchString(name):
			why = "a name in it is a device"
		}
		if why != "" {
			return fmt.Errorf("%q: %w (Windows): %s", brief.Clip(path), ErrSystem, why)
		}
	}
	return nil
}

var device = regexp.MustCompile(`(?i)^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)`)
