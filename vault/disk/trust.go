package disk

import (
	"fmt"
	"io/fs"
)

// SharedError reports that a user other than this one and root can change the file at Path.
type SharedError struct {
	Path         string
	Mode         fs.FileMode
	Owner, Group int // user ID and group ID of the file
	Self         int // user ID of this user

	// Mount describes why the system reports such an owner or mode although the file is the user's own. It is empty if
	// there is no such reason.
	Mount string
}

func (e *SharedError) Error() string { return e.Path + ": " + e.Reason() }

// Reason returns the text of the error without the path.
func (e *SharedError) Reason() string {
	switch {
	case e.ForeignOwner() && e.Self == 0:
		return fmt.Sprintf("belongs to user %d, expected root", e.Owner)
	case e.ForeignOwner():
		return fmt.Sprintf("belongs to user %d, expected user %d or root", e.Owner, e.Self)
	case e.Mode.Perm()&0o002 != 0:
		return fmt.Sprintf("can be changed by all users (mode %04o)", e.Mode.Perm())
	}
	return fmt.Sprintf("can be changed by the members of group %d (mode %04o)", e.Group, e.Mode.Perm())
}

// ForeignOwner reports whether the file belongs to a user other than this one and root.
func (e *SharedError) ForeignOwner() bool { return e.Owner != e.Self && e.Owner != 0 }
