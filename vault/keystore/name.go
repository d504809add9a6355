package keystore

import (
	"strings"
	"unicode/utf8"
)

// maxName bounds a name in bytes. A file name has room for 255 and escaping may triple a byte.
const maxName = 1024

// checkName refuses names that no keystore can be trusted to keep as they are.
func checkName(name string) error {
	switch {
	case name == "":
		return &NameError{Name: name, Reason: "is empty"}
	case len(name) > maxName:
		return &NameError{Name: name[:32] + "…", Reason: "is too long"}
	case strings.ContainsRune(name, 0):
		return &NameError{Name: name, Reason: "has a NUL"}
	case !utf8.ValidString(name):
		return &NameError{Name: name, Reason: "is not UTF-8"}
	case name == "." || name == "..":
		return &NameError{Name: name, Reason: "is a step in a path"}
	}
	return nil
}
