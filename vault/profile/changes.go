package profile

import (
	"bytes"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// Changes returns the lines that a new text takes away, after "-", and those that it adds,
// after "+". Those that stay are left out, for there may be keys among them.
func (f *File) Changes(text []byte) string {
	all := diff.Diff(f.path, []byte(f.text), f.path, text)
	var b strings.Builder
	for i, line := range bytes.SplitAfter(all, []byte("\n")) {
		const heading = 3 // the command and the two files' names
		if i >= heading && len(line) > 0 && (line[0] == '+' || line[0] == '-') {
			b.Write(line)
		}
	}
	return b.String()
}
