package disk

import (
	"crypto/rand"
	"encoding/hex"
	"io/fs"
	"os"
	"strings"
)

// system is what replacing a file asks of the operating system. Tests put parts in its place
// that fail, to see what is left behind.
type system struct {
	create     func(path string) (file, error) // new, 0600, never an existing file
	open       func(path string) (file, error) // existing, for writing
	rename     func(from, to string) error
	syncDir    func(dir string) error
	copyRights func(path string, old fs.FileInfo, temp string) error // gives temp the owner and rights of old
	allowCopy  bool                                                  // the old content may be copied while a file is written in place
}

// file is an open file that is being written.
type file interface {
	Write(p []byte) (int, error)
	Chmod(mode fs.FileMode) error
	Truncate(size int64) error
	Sync() error
	Close() error
	Name() string
}

var realSystem = system{
	create: func(path string) (file, error) {
		return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	},
	open:       func(path string) (file, error) { return os.OpenFile(path, os.O_WRONLY, 0) },
	rename:     rename,
	syncDir:    syncDir,
	copyRights: copyRights,
	allowCopy:  true,
}

// IsTemp reports whether name, without a directory, is one that Replace gives a file that is
// not whole yet. Those who list a directory pass over such names.
func IsTemp(name string) bool {
	before, ours := cutMark(name, ".tmp")
	return ours && before == ""
}

// IsCopy reports whether name, without a directory, is one that ReplacePreserving gives the old
// content of a file while it is written in place.
func IsCopy(name string) bool {
	_, ours := cutMark(name, ".old")
	return ours
}

// cutMark returns what stands before the mark that a name of ours ends in. It is no regular
// expression because compiling one costs every start of the program.
func cutMark(name, ending string) (before string, ours bool) {
	const mark, digits = ".aws-vault-", 16
	rest, ours := strings.CutSuffix(name, ending)
	if len(rest) < digits || !ours || strings.Trim(rest[len(rest)-digits:], "0123456789abcdef") != "" {
		return "", false
	}
	return strings.CutSuffix(rest[:len(rest)-digits], mark)
}

// TempName is a new name of that kind, for those who have another program write the file.
func TempName() string { return ".aws-vault-" + suffix() + ".tmp" }

// suffix is 16 hex digits that no other process has.
func suffix() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
