package embedded

import "natster/functions"

// Hooks are what tests change of a world; production code has none.
type Hooks struct {
	// Functions run in place of Natster's own, unless it is nil. An empty list is a server and accounts only.
	Functions []functions.Function
	// FreeSpace returns how many bytes are free on the disk of the world; nil asks the system.
	FreeSpace func() (uint64, error)
}
