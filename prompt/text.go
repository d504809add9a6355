package prompt

import (
	"strings"
	"unicode"

	"aws-vault/vault/printable"
)

// maxLineLength is the maximum length, in characters, of each line of a question. Such a line fits into a dialog
// and into an Assuan line.
const maxLineLength = 300

// sanitize returns s as a single line of at most maxLineLength characters, and escapes unsafe characters. This is
// needed because s can contain names from the config file, which another person may have written.
func sanitize(s string) string {
	s = printable.Line(strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) {
			return ' '
		}
		return c
	}, s))
	n := 0
	for i := range s {
		if n == maxLineLength {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

// question returns the text of the question, without the preface.
func (r Request) question() string {
	if r.Text != "" {
		return sanitize(r.Text)
	}
	q := r.Kind.String()
	if r.Device != "" {
		q += " for " + r.Device
	}
	if r.Profile != "" {
		q += " to use profile " + r.Profile
	}
	return sanitize(q)
}

// preface returns the lines that are shown before the question. There may be none.
func (r Request) preface() []string {
	var lines []string
	if r.RetryReason != "" {
		lines = append(lines, sanitize(r.RetryReason))
	}
	if r.Program != "" {
		lines = append(lines, sanitize("requested by "+r.Program))
	}
	return lines
}

// message returns the preface and the question as one text for a dialog.
func (r Request) message() string {
	return strings.Join(append(r.preface(), r.question()), "\n")
}
