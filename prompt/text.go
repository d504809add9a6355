package prompt

import (
	"strings"
	"unicode"
)

// maxLineLength is the maximum length, in characters, of each line of a question. Such a line fits into a dialog
// and into an Assuan line.
const maxLineLength = 300

// sanitize returns s as a single line, and shortens s to maxLineLength characters. It replaces control characters,
// and characters that change the writing direction. This is needed because s can contain names from the config
// file, which another person may have written.
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
