// Package ui formats what commands print: lines, JSON, counts, and words quoted for a shell.
package ui

import (
	"fmt"
	"strings"
	"unicode"
)

// YesNo returns "yes" or "no".
func YesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// OrDash returns s, or "-" if s is empty. Tables use it for their cells.
func OrDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// Printable escapes the control characters of a name that was read from a security key. Other programs may have written
// the name, so it can contain any character.
func Printable(name string) string {
	quoted := fmt.Sprintf("%q", name)
	return quoted[1 : len(quoted)-1]
}

// Count returns a number with its noun, such as "1 key" or "2 keys".
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// Sanitized replaces the control characters of a text from the network with "?", so that the text cannot
// control the terminal.
func Sanitized(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}
