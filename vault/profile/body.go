package profile

import (
	"fmt"
	"slices"
	"strings"
)

// body holds all keys that a file has for one name, such as the name of a profile. If several sections
// have the same name, keys of the later section have priority.
type body struct {
	file     *File
	keys     map[string]bodyKey
	warnings []Problem
}

type bodyKey struct {
	key
	section *section
}

// body merges the sections of that kind and name. It returns nil if there are no such sections. If a line or a header
// cannot be read, it fails with the *SyntaxError of the first such line.
func (f *File) body(k sectionKind, name string) (*body, error) {
	if err := f.brokenHeader(k, name); err != nil {
		return nil, err
	}
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
			b.warnings = append(b.warnings, Problem{Origin: f.origin(s, s.line, ""), Text: repeatedSection(sections[i-1], s)})
		}
		b.add(s, keys)
	}
	return b, nil
}

func (b *body) add(s *section, keys []key) {
	lines := make(map[string]int, len(keys))
	for _, k := range keys {
		if line, ok := lines[k.name]; ok {
			b.warnings = append(b.warnings, Problem{Origin: b.file.origin(s, k.line, k.name), Text: repeatedKey(k.name, line)})
		}
		lines[k.name] = k.line
		b.keys[k.name] = bodyKey{k, s}
	}
}

func repeatedKey(name string, line int) string {
	return fmt.Sprintf("%s is already set in line %d; the value in this line is used", quoteUnsafe(name), line)
}

func repeatedSection(before, s *section) string {
	if before.header != s.header {
		return fmt.Sprintf("[%[1]s] is the same profile as [%s] in line %d; the settings of [%[1]s] have priority",
			quoteUnsafe(s.header), quoteUnsafe(before.header), before.line)
	}
	return fmt.Sprintf("[%s] already begins in line %d; the two sections are merged", quoteUnsafe(s.header), before.line)
}

// value returns the value of a setting. It removes a comment after the value if [setting.allowsComments] returns
// true. The AWS CLI does not remove comments, so [body.comments] returns a warning for each removed comment.
func (b *body) value(s *setting) (Value, bool) {
	if b == nil || s.noFile {
		return Value{}, false
	}
	k, ok := b.keys[s.name]
	if !ok {
		return Value{}, false
	}
	v := Value{Text: k.value, Origin: b.file.origin(k.section, k.line, s.name), secret: s.isSecret()}
	if s.allowsComments() {
		v.Text, _ = cutComments(k.value)
	}
	return v, true
}

// problems returns all warnings about the sections, in the order of the lines.
func (b *body) problems() []Problem {
	if b == nil {
		return nil
	}
	all := slices.Concat(b.warnings, b.comments())
	slices.SortStableFunc(all, func(a, b Problem) int { return a.Origin.Line - b.Origin.Line })
	return all
}

// comments returns a warning for each comment that [body.value] removes.
func (b *body) comments() []Problem {
	var all []Problem
	for i := range settings {
		s := &settings[i]
		k, ok := b.keys[s.name]
		if !ok || s.noFile || !s.allowsComments() {
			continue
		}
		if _, found := cutComments(k.value); found {
			all = append(all, Problem{Origin: b.file.origin(k.section, k.line, s.name), Text: commentText(s.name)})
		}
	}
	return all
}

func commentText(name string) string {
	return name + " is followed by a comment, which the AWS CLI reads as part of the value"
}

// cutComments removes comments from each line of a value. A comment begins with "#" or ";" at the start
// of the line or after a blank. cutComments reports whether there was a comment.
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
