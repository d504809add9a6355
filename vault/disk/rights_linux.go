package disk

import (
	"bytes"
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// accessList is the name of the extended attribute that contains a file's access control list.
// https://man7.org/linux/man-pages/man5/acl.5.html
const accessList = "system.posix_acl_access"

// maxAttribute is the maximum size of an extended attribute on Linux.
const maxAttribute = 64 << 10

// copyRights copies the owner and the extended attributes of the file at path to the file at temp. It skips
// attributes that cannot be copied, because a missing attribute never gives anyone more access. The access control
// list is an exception: if it cannot be copied, copyRights returns an error.
func copyRights(path string, old fs.FileInfo, temp string) error {
	if err := copyOwner(old, temp); err != nil {
		return err
	}
	names := make([]byte, maxAttribute)
	n, err := unix.Listxattr(path, names)
	if err != nil {
		return nil // the file system does not support extended attributes
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
