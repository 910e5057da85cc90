package catalog

import "errors"

// Why a file of a catalog cannot be read. A library's errors wrap them, a server answers with their codes, and a
// client's errors wrap them again.
var (
	ErrNotFound  = errors.New("no such file in the catalog")
	ErrAmbiguous = errors.New("several files of the catalog are meant")
	ErrChanged   = errors.New("the file changed or is gone") // since it was listed
	ErrAway      = errors.New("the disk is away")            // or cannot be read now; the file stays listed
)
