package prompt

import (
	"strings"
	"unicode"
)

// maxLineLength bounds a line of a question, in characters, so that it fits a dialog and an Assuan line.
const maxLineLength = 300

// sanitize returns s as one line that moves no cursor, turns no writing direction and is not longer than maxLineLength:
// profiles and serials come from a file that others may have written.
func sanitize(s string) string {
	var b strings.Builder
	n := 0
	for _, c := range strings.ToValidUTF8(s, string(unicode.ReplacementChar)) {
		if n == maxLineLength {
			b.WriteRune('…')
			break
		}
		switch {
		case unicode.IsSpace(c):
			c = ' '
		case unicode.In(c, unicode.Cc, unicode.Cf):
			c = unicode.ReplacementChar
		}
		b.WriteRune(c)
		n++
	}
	return b.String()
}

// question returns what is asked.
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

// preface returns what is to be known before the question: a line each, none if there is nothing.
func (r Request) preface() []string {
	var lines []string
	if r.RetryReason != "" {
		lines = append(lines, sanitize(r.RetryReason))
	}
	if r.Program != "" {
		lines = append(lines, sanitize("asked for by "+r.Program))
	}
	return lines
}

// message returns preface and question, for a dialog.
func (r Request) message() string {
	return strings.Join(append(r.preface(), r.question()), "\n")
}
