package profile

import (
	"slices"
	"strings"
)

// A change replaces a stretch of a text.
type change struct {
	span
	text string
}

// An edit collects changes to a text. The text itself stays as it is: [edit.result] is the new one.
type edit struct {
	text    string
	changes []change
}

// set writes a new value over that of a key, and drops the lines that went on with the old one. A
// comment that Resolve cuts off stays.
func (e *edit) set(k key, s Setting) {
	at, text := k.on, s.Value
	if i := commentAt(e.text[at.start:at.end]); i >= 0 && settingNamed(s.Name).cuts() {
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
		e.changes = append(e.changes, change{p.whole, ""})
	}
}

// cut takes out the line of a key whose value has no other.
func (e *edit) cut(k key) {
	l := newLines(e.text, k.begin, 0)
	l.next()
	e.changes = append(e.changes, change{span{k.begin, l.pos}, ""})
}

// insert adds settings after the last of a section's keys, as deep as that one.
func (e *edit) insert(s *section, keys []key, added []Setting) {
	at, indent := s.start, indentAfter(e.text, s)
	if len(keys) > 0 {
		last := keys[len(keys)-1]
		at = last.next
		line := e.text[last.begin:last.on.end]
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

// result is the text with the changes in it.
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

// newSection is what a section adds to the end of a text. A blank line sets it apart from what is
// there.
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

// indentAfter returns the blanks before the next header: a first key that stood less deep than
// it would take that header for a part of its value.
func indentAfter(text string, s *section) string {
	next := text[s.end:]
	return next[:len(next)-len(trimLeft(next))]
}

// lineEnding returns how a text ends its lines, by its first one.
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
