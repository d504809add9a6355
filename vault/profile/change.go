package profile

import (
	"slices"
	"strings"
)

// A change replaces a part of a text.
type change struct {
	span
	text string
}

// An edit collects changes to a text. The text itself stays the same; [edit.result] returns the new text.
type edit struct {
	text    string
	changes []change
}

// set replaces the whole value of a key, including its continuation lines. It keeps a comment after the
// value, unless Resolve treats the comment as part of the value.
func (e *edit) set(k key, s Setting) {
	at, text := k.valueSpan, s.Value
	if i := commentAt(e.text[at.start:at.end]); i >= 0 && settingNamed(s.Name).allowsComments() {
		at.end = at.start + len(trimRight(e.text[at.start:at.start+i]))
		if i == 0 && text != "" {
			text += " "
		}
	}
	if at.start == at.end && text != "" && strings.ContainsAny(e.text[at.start-1:at.start], "=:") {
		text = " " + text
	}
	e.changes = append(e.changes, change{at, text})
	for p := range pieces(e.text, k) {
		e.changes = append(e.changes, change{p.fullLine, ""})
	}
}

// cut removes the line of a key. The value must not have continuation lines.
func (e *edit) cut(k key) {
	l := newLines(e.text, k.lineStart, 0)
	l.next()
	e.changes = append(e.changes, change{span{k.lineStart, l.pos}, ""})
}

// insert adds settings after the last key of a section, with the indentation of that key.
func (e *edit) insert(s *section, keys []key, added []Setting) {
	at, indent := s.bodyStart, indentAfter(e.text, s)
	if len(keys) > 0 {
		last := keys[len(keys)-1]
		at = last.nextLine
		line := e.text[last.lineStart:last.valueSpan.end]
		indent = line[:len(line)-len(trimLeft(line))]
	}
	eol := lineEnding(e.text)
	var b strings.Builder
	open := !endsInLine(e.text[:at])
	if open {
		b.WriteString(eol)
	}
	for i, a := range added {
		b.WriteString(indent + keyText(a))
		if !open || i < len(added)-1 {
			b.WriteString(eol)
		}
	}
	e.changes = append(e.changes, change{span{at, at}, b.String()})
}

// result returns the text with all changes.
func (e *edit) result() string {
	slices.SortStableFunc(e.changes, func(a, b change) int { return a.start - b.start })
	var b strings.Builder
	done := 0
	for _, c := range e.changes {
		b.WriteString(e.text[done:c.start])
		b.WriteString(c.text)
		done = c.end
	}
	b.WriteString(e.text[done:])
	return b.String()
}

// newSection returns the text to append for a new section. A blank line separates it from the
// existing text.
func newSection(text, header string, settings []Setting) string {
	eol := lineEnding(text)
	var b strings.Builder
	if body := strings.TrimPrefix(text, byteOrderMark); body != "" {
		if !endsInLine(body) {
			b.WriteString(eol)
		}
		b.WriteString(eol)
	}
	b.WriteString(header + eol)
	for _, s := range settings {
		b.WriteString(keyText(s) + eol)
	}
	return b.String()
}

func keyText(s Setting) string { return strings.TrimRight(s.Name+" = "+s.Value, " ") }

// indentAfter returns the indentation of the next header. The first key of a section needs at least this
// indentation. Otherwise the next header would be read as part of the key's value.
func indentAfter(text string, s *section) string {
	next := text[s.end:]
	return next[:len(next)-len(trimLeft(next))]
}

// lineEnding returns the line ending of the first line.
func lineEnding(text string) string {
	i := strings.IndexAny(text, "\r\n")
	switch {
	case i < 0 || text[i] == '\n':
		return "\n"
	case strings.HasPrefix(text[i:], "\r\n"):
		return "\r\n"
	}
	return "\r"
}

func endsInLine(text string) bool { return text != "" && endsLine(text[len(text)-1]) }
