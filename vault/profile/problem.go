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
	Broken bool // whether the line cannot be read; the AWS CLI refuses most such files
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

// Broken returns the lines and headers of the file that cannot be read, in the order of the lines, at most 1000. A
// profile that such a line belongs to cannot be used. Broken is fast enough to be called each time that the file
// is read.
func (f *File) Broken() []Problem {
	var all []Problem
	for i := range f.sections {
		all = append(all, brokenLines(f, &f.sections[i])...)
		if len(all) > maxProblems {
			break
		}
	}
	return all[:min(len(all), maxProblems)]
}

// brokenLines returns the lines of a section that cannot be read. Before the first header, it returns only one line,
// because a text with many such lines is often not a config file.
func brokenLines(f *File, s *section) []Problem {
	if s.kind == noSection {
		return strayLine(f, s)
	}
	var all []Problem
	if s.kind == brokenSection {
		all = append(all, Problem{f.origin(s, s.line, ""), brokenHeaderText(f, s), true})
	}
	for _, err := range f.badLines(s) {
		all = append(all, Problem{err.Origin, fmt.Sprintf("found %s, expected %s", err.Found, err.Want), true})
	}
	return all
}

func brokenHeaderText(f *File, s *section) string {
	if strings.IndexByte(s.header, 0) >= 0 || !utf8.ValidString(s.header) {
		return "the header " + s.headerText() + " is not text in UTF-8; its section is not read"
	}
	return "found the header " + s.headerText() + ", expected " + f.meantHeader(s) + "; its section is not read"
}

func sectionProblems(f *File, s *section) []Problem {
	all := brokenLines(f, s)
	if s.kind == noSection || s.kind == brokenSection {
		return all
	}
	keys, bad := f.keys(s)
	if len(keys) > maxKeys {
		err := bad[len(bad)-1]
		all = append(all, Problem{err.Origin, fmt.Sprintf("found %s, expected %s", err.Found, err.Want), true})
	}
	if text := headerProblem(f.kind, s, keys); text != "" {
		all = append(all, Problem{Origin: f.origin(s, s.line, ""), Text: text})
	}
	if before := f.previousSection(s); before != nil {
		all = append(all, Problem{Origin: f.origin(s, s.line, ""), Text: repeatedSection(before, s)})
	}
	if s.kind == otherSection {
		return all // the keys of this section are not used
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
				all = append(all, Problem{Origin: f.origin(s, p.line, k.name), Text: text})
			}
		}
	}
	return all
}

// strayLine returns the first line before the first header that is not blank and not a comment.
func strayLine(f *File, s *section) []Problem {
	var g grammar
	for l := newLines(f.text[:s.end], s.bodyStart, s.line); ; {
		start, end, ok := l.next()
		if !ok {
			return nil
		}
		if kind, _ := g.read(f.text[start:end]); kind != blankLine && kind != commentLine {
			return []Problem{{f.origin(s, l.number, ""), "this line is before the first section, so it is not read", true}}
		}
	}
}

// headerProblem describes what may be wrong with a valid header. It returns "" if nothing is wrong.
func headerProblem(file OriginKind, s *section, keys []key) string {
	shown := printable.Quote(shorten(s.header))
	switch {
	case file == CredentialsFile:
		return credentialsHeaderProblem(s, shown)
	case s.kind != otherSection:
		return ""
	case s.header == "DEFAULT":
		return "the AWS CLI applies [DEFAULT] to all sections; aws-vault does not read it"
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
