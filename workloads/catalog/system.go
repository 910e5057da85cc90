package catalog

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"natster/internal/brief"
)

// ErrSystem is wrapped by every error about a path that is good in a catalog and that this system cannot hold. It will
// not come later either.
var ErrSystem = errors.New("not a name that this system can hold")

// CheckOn says why a good path cannot be made on a system, which is called as runtime.GOOS calls it, with an error that
// wraps [ErrSystem], or nil. Windows takes dots and spaces off the end of a name, reads "file:ads" as a stream of a
// file, and has names that are devices wherever they stand. A disk may have limits of its own; that is for it to say.
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
