// Package ui formats what commands print: lines, JSON, counts, and words quoted for a shell.
package ui

import (
	"fmt"
	"strings"
	"unicode"
)

func YesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func OrDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// Printable shows a name from a key, on which others may have written it.
func Printable(name string) string {
	quoted := fmt.Sprintf("%q", name)
	return quoted[1 : len(quoted)-1]
}

func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// Sanitized is a text of the portal's as a terminal may be given it.
func Sanitized(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}
