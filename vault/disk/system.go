package disk

import (
	"crypto/rand"
	"encoding/hex"
	"io/fs"
	"os"
	"strings"
)

// system contains the functions that this package calls to replace files. In realSystem, they call the operating
// system. Tests use other functions to simulate failures.
type system struct {
	create     func(path string) (file, error) // creates a new file with mode 0600
	open       func(path string) (file, error) // opens an existing file for writing
	rename     func(from, to string) error
	syncDir    func(dir string) error
	copyRights func(path string, old fs.FileInfo, temp string) error // copies the owner and permissions of old to temp
	allowCopy  bool                                                  // whether a file that cannot be replaced may be backed up to a copy and then overwritten
}

// file is a file that is open for writing.
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

// IsTemp reports whether name is the base name of a temporary file that Replace creates. Code that lists a directory
// should skip such files.
func IsTemp(name string) bool {
	before, ours := cutMark(name, ".tmp")
	return ours && before == ""
}

// IsCopy reports whether name is the base name of a copy that ReplacePreserving creates before it writes a
// file in place.
func IsCopy(name string) bool {
	_, ours := cutMark(name, ".old")
	return ours
}

// cutMark removes from name the suffix that marks a temporary file or a copy. It returns the rest, and whether there was such
// a suffix. It does not use a regular expression, because compiling one would slow down each start of the program.
func cutMark(name, ending string) (before string, ours bool) {
	const mark, digits = ".aws-vault-", 16
	rest, ours := strings.CutSuffix(name, ending)
	if len(rest) < digits || !ours || strings.Trim(rest[len(rest)-digits:], "0123456789abcdef") != "" {
		return "", false
	}
	return strings.CutSuffix(rest[:len(rest)-digits], mark)
}

// TempName returns a new name for a temporary file. IsTemp returns true for this name.
func TempName() string { return ".aws-vault-" + suffix() + ".tmp" }

// suffix returns 16 random hexadecimal digits.
func suffix() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
