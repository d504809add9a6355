package profile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"aws-vault/vault/printable"
)

// Problem is a line of a file that is wrong or may be wrong. The profiles in other sections can still be used.
type Problem struct {
	Origin Origin
	Text   string
}

// String returns the place and the text in one line.
func (p Problem) String() string { return p.Origin.String() + ": " + p.Text }

// maxProblems is the maximum number of problems in a list.
const maxProblems = 1000

// Problems returns the problems of the file in the order of its lines, at most 1000. Examples of problems are lines
// that cannot be read, headers without a name, repeated sections and keys, and comments that the AWS CLI reads as
// part of a value.
func (f *File) Problems() []Problem {
	var all []Problem
	for i := range f.sections {
		all = append(all, sectionProblems(f, &f.sections[i])...)
		if len(all) > maxProblems {
			break
		}
	}
	slices.SortStableFunc(all, func(a, b Problem) int { return cmp.Compare(a.Origin.Line, b.Origin.Line) })
	return all[:min(len(all), maxProblems)]
}

func sectionProblems(f *File, s *section) []Problem {
	keys, bad := f.keys(s)
	if s.kind == noSection {
		return strayLines(f, s, keys, bad)
	}
	var all []Problem
	if text := headerProblem(f.kind, s, keys); text != "" {
		all = append(all, Problem{f.origin(s, s.line, ""), text})
	}
	if before := f.previousSection(s); before != nil {
		all = append(all, Problem{f.origin(s, s.line, ""), repeatedSection(before, s)})
	}
	for _, err := range bad {
		all = append(all, Problem{err.Origin, fmt.Sprintf("found %s, expected %s", err.Found, err.Want)})
	}
	if s.kind == otherSection || s.kind == openSection {
		return all // the keys of these sections are not used
	}
	b := &body{file: f, keys: map[string]bodyKey{}}
	b.add(s, keys)
	return slices.Concat(all, b.problems(), swallowedHeaders(f, s, keys))
}

// swallowedHeaders returns a problem for each line that looks like a header but is part of a value,
// because it is indented more than the key above.
func swallowedHeaders(f *File, s *section, keys []key) []Problem {
	var all []Problem
	for _, k := range keys {
		if !strings.Contains(k.value, "\n[") {
			continue
		}
		for p := range pieces(f.text, k) {
			if strings.HasPrefix(p.text, "[") && strings.HasSuffix(p.text, "]") {
				text := printable.Quote(shorten(p.text)) + " is indented more than the key above, so it is part of that key's value"
				all = append(all, Problem{f.origin(s, p.line, k.name), text})
			}
		}
	}
	return all
}

// strayLines reports the first key or invalid line before the first header. It reports only one line, because a
// text with many such lines is often not a config file.
func strayLines(f *File, s *section, keys []key, bad []*SyntaxError) []Problem {
	line := 0
	if len(keys) > 0 {
		line = keys[0].line
	}
	if len(bad) > 0 && (line == 0 || bad[0].Origin.Line < line) {
		line = bad[0].Origin.Line
	}
	if line == 0 {
		return nil
	}
	return []Problem{{f.origin(s, line, ""), "this line is before the first section, so it is not read"}}
}

// headerProblem describes what is wrong with a header, such as a missing name. It returns "" if nothing
// is wrong.
func headerProblem(file OriginKind, s *section, keys []key) string {
	shown := printable.Quote(shorten(s.header))
	switch {
	case s.kind == openSection:
		return "the header " + shown + " has no closing bracket; its section is not read"
	case strings.IndexByte(s.header, 0) >= 0 || !utf8.ValidString(s.header):
		return "the header " + shown + " is not text in UTF-8; its section is not read"
	case file == CredentialsFile:
		return credentialsHeaderProblem(s, shown)
	case s.kind != otherSection:
		return ""
	case s.header == "DEFAULT":
		return "the AWS CLI applies [DEFAULT] to all sections; aws-vault does not read it"
	}
	first, _, _ := strings.Cut(strings.ToLower(trim(s.header)), " ")
	if isKeyword(first) || first == defaultName {
		return "the header " + shown + " has no name; its section is not read"
	}
	for _, k := range keys {
		if settingNamed(k.name) != nil {
			return "the header " + shown + ` does not begin with the word "profile"; its section is not read`
		}
	}
	return ""
}

func credentialsHeaderProblem(s *section, shown string) string {
	first, _, named := strings.Cut(s.header, " ")
	switch {
	case first == "profile" && named:
		return "the header " + shown + ` begins with the word "profile", which is part of the name in this file`
	case trim(s.header) != s.header:
		return "the header " + shown + " has blanks around the name, which are part of the name"
	}
	return ""
}

func isKeyword(word string) bool {
	for _, k := range keywords {
		if k.word == word {
			return true
		}
	}
	return false
}
