package disk

import (
	"bytes"
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// accessList is the extended attribute that holds a file's access control list.
// https://man7.org/linux/man-pages/man5/acl.5.html
const accessList = "system.posix_acl_access"

// maxAttribute is the longest value that Linux keeps in an extended attribute.
const maxAttribute = 64 << 10

// copyRights gives temp the owner and the extended attributes of path. Attributes other than the
// access control list are kept where the kernel lets us: nobody gains a right by their absence.
func copyRights(path string, old fs.FileInfo, temp string) error {
	if err := copyOwner(old, temp); err != nil {
		return err
	}
	names := make([]byte, maxAttribute)
	n, err := unix.Listxattr(path, names)
	if err != nil {
		return nil // a file system without attributes
	}
	for name := range bytes.SplitSeq(bytes.TrimRight(names[:n], "\x00"), []byte{0}) {
		if len(name) == 0 {
			continue
		}
		if err := copyAttribute(path, temp, string(name)); err != nil && string(name) == accessList {
			return err
		}
	}
	return nil
}

func copyAttribute(from, to, name string) error {
	value := make([]byte, maxAttribute)
	n, err := unix.Getxattr(from, name, value)
	if errors.Is(err, unix.ENODATA) {
		return nil
	}
	if err != nil {
		return &fs.PathError{Op: "getxattr " + name, Path: from, Err: err}
	}
	if err := unix.Setxattr(to, name, value[:n], 0); err != nil {
		return &fs.PathError{Op: "setxattr " + name, Path: to, Err: err}
	}
	return nil
}
