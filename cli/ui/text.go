// Package ui formats what commands print: lines, JSON, counts, and words quoted for a shell.
package ui

import (
	"fmt"

	"aws-vault/vault/printable"
)

// YesNo returns "yes" or "no".
func YesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// Cell returns the text of a table's cell: "-" if s is empty, and else s, quoted if it has unsafe characters. A newline
// or a tab in a name thus does not start another row or column.
func Cell(s string) string {
	if s == "" {
		return "-"
	}
	return printable.Text(s)
}

// Count returns a number with its noun, such as "1 key" or "2 keys".
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
