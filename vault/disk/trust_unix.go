//go:build unix

package disk

import (
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// CheckShared returns a [*SharedError] if a user other than this one and root can change the file at path. It
// accepts a file that the user's own group can change. Many systems create such a group for each user, with the
// name or the ID of the user. The parameter info describes the open file.
func CheckShared(path string, info fs.FileInfo) error {
	self, stat := os.Geteuid(), info.Sys().(*syscall.Stat_t)
	e := &SharedError{Path: path, Mode: info.Mode(), Owner: int(stat.Uid), Group: int(stat.Gid), Self: self}
	writable := info.Mode().Perm()&0o002 != 0 || info.Mode().Perm()&0o020 != 0 && !isOwnGroup(e.Group, self)
	if !writable && (!e.ForeignOwner() || ownsRoot(e.Owner)) {
		return nil
	}
	e.Mount = mountReason(path, e)
	return e
}

// isOwnGroup reports whether a group is root's group, or has the ID or the name of the user self. It does not look
// up the members of the group.
func isOwnGroup(group, self int) bool {
	if group == 0 || group == self {
		return true
	}
	g, err := user.LookupGroupId(strconv.Itoa(group))
	if err != nil {
		return false
	}
	u, err := user.LookupId(strconv.Itoa(self))
	return err == nil && u.Username == g.Name
}

// ownsRoot reports whether a user owns the root directory. In a user namespace, files of the machine's root user may
// have an owner other than 0, and the root directory then has the same owner.
func ownsRoot(owner int) bool {
	root, err := os.Lstat("/")
	return err == nil && ownerOf(root) == owner
}
