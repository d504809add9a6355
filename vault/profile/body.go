package profile

import (
	"fmt"
	"slices"
	"strings"
)

// body is all that a file says about one name: its sections put together, later keys winning.
type body struct {
	file     *File
	keys     map[string]bodyKey
	warnings []Problem
}

type bodyKey struct {
	key
	section *section
}

// body puts the sections of a name together. It returns nil if there are none, and the first
// *SyntaxError if a line of them cannot be read.
func (f *File) body(k sectionKind, name string) (*body, error) {
	sections := f.named(k, name)
	if len(sections) == 0 {
		return nil, nil
	}
	b := &body{file: f, keys: map[string]bodyKey{}}
	for i, s := range sections {
		keys, bad := f.keys(s)
		if len(bad) > 0 {
			return nil, bad[0]
		}
		if i > 0 {
			b.warnings = append(b.warnings, Problem{f.origin(s, s.line, ""), repeatedSection(sections[i-1], s)})
		}
		b.add(s, keys)
	}
	return b, nil
}

func (b *body) add(s *section, keys []key) {
	lines := make(map[string]int, len(keys))
	for _, k := range keys {
		if line, ok := lines[k.name]; ok {
			b.warnings = append(b.warnings, Problem{b.file.origin(s, k.line, k.name), repeatedKey(k.name, line)})
		}
		lines[k.name] = k.line
		b.keys[k.name] = bodyKey{k, s}
	}
}

func repeatedKey(name string, line int) string {
	return fmt.Sprintf("%s is given again after line %d; this one counts", bare(name), line)
}

func repeatedSection(before, s *section) string {
	if before.header != s.header {
		return fmt.Sprintf("[%s] is the same profile as [%s] at line %d; what this one sets counts",
			bare(s.header), bare(before.header), before.line)
	}
	return fmt.Sprintf("[%s] began at line %d already; the two are read as one", bare(s.header), before.line)
}

// value returns what the body says about a setting. Where the setting's values can hold no
// comment, one is cut off, with a warning: the AWS CLI takes it as part of the value.
func (b *body) value(s *setting) (Value, bool) {
	if b == nil || s.noFile {
		return Value{}, false
	}
	k, ok := b.keys[s.name]
	if !ok {
		return Value{}, false
	}
	v := Value{Text: k.value, Origin: b.file.origin(k.section, k.line, s.name), secret: s.hidden()}
	if s.cuts() {
		v.Text, _ = cutComments(k.value)
	}
	return v, true
}

// doubts returns all the warnings about the sections, in the order of the lines.
func (b *body) doubts() []Problem {
	if b == nil {
		return nil
	}
	all := slices.Concat(b.warnings, b.comments())
	slices.SortStableFunc(all, func(a, b Problem) int { return a.Origin.Line - b.Origin.Line })
	return all
}

// comments returns a warning for each comment that value cuts off.
func (b *body) comments() []Problem {
	var all []Problem
	for i := range settings {
		s := &settings[i]
		k, ok := b.keys[s.name]
		if !ok || s.noFile || !s.cuts() {
			continue
		}
		if _, found := cutComments(k.value); found {
			all = append(all, Problem{b.file.origin(k.section, k.line, s.name), commentText(s.name)})
		}
	}
	return all
}

func commentText(name string) string {
	return name + " is followed by a comment, which the AWS CLI takes as part of the value"
}

// cutComments cuts what follows a blank and "#" or ";" off each line of a value, and tells
// whether there was any.
func cutComments(value string) (string, bool) {
	if !strings.ContainsAny(value, "#;") {
		return value, false
	}
	var kept strings.Builder
	found := false
	for i, line := range strings.Split(value, "\n") {
		if i > 0 {
			kept.WriteByte('\n')
		}
		if at := commentAt(line); at >= 0 {
			line, found = trimRight(line[:at]), true
		}
		kept.WriteString(line)
	}
	return trimRight(kept.String()), found
}

func commentAt(line string) int {
	for i := range len(line) {
		if (line[i] == '#' || line[i] == ';') && trimRight(line[:i]) != line[:i] {
			return i
		}
		if i == 0 && (line[i] == '#' || line[i] == ';') {
			return 0
		}
	}
	return -1
}
