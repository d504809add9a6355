package profile

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Problem is something in a file that is doubtful or wrong and does not keep others from using it.
type Problem struct {
	Origin Origin
	Text   string
}

// String returns the place and the text in one line.
func (p Problem) String() string { return p.Origin.String() + ": " + p.Text }

// maxProblems bounds a list that somebody is to read.
const maxProblems = 1000

// Problems returns all that is doubtful or wrong in the file, in the order of its lines: lines
// that cannot be read, headers that name nothing, sections and keys that are given twice,
// comments that the AWS CLI takes as part of a value. It stops after a thousand.
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
	if before := f.before(s); before != nil {
		all = append(all, Problem{f.origin(s, s.line, ""), repeatedSection(before, s)})
	}
	for _, err := range bad {
		all = append(all, Problem{err.Origin, fmt.Sprintf("found %s, want %s", err.Found, err.Want)})
	}
	if s.kind == otherSection || s.kind == openSection {
		return all // nobody reads its keys
	}
	b := &body{file: f, keys: map[string]bodyKey{}}
	b.add(s, keys)
	return slices.Concat(all, b.doubts(), swallowed(f, s, keys))
}

// swallowed finds headers that are none, because a key above them takes deeper lines as its value.
func swallowed(f *File, s *section, keys []key) []Problem {
	var all []Problem
	for _, k := range keys {
		if !strings.Contains(k.value, "\n[") {
			continue
		}
		for p := range pieces(f.text, k) {
			if strings.HasPrefix(p.text, "[") && strings.HasSuffix(p.text, "]") {
				text := strconv.Quote(shorten(p.text)) + " stands deeper than the key above and is part of its value"
				all = append(all, Problem{f.origin(s, p.line, k.name), text})
			}
		}
	}
	return all
}

// strayLines speaks of the first line only: what stands there is often not a config file's.
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
	return []Problem{{f.origin(s, line, ""), "stands before the first section, where nothing is read"}}
}

// headerProblem says what makes a header one that names nothing, if it looks like it should.
func headerProblem(file OriginKind, s *section, keys []key) string {
	shown := strconv.Quote(shorten(s.header))
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
		return "the AWS CLI gives what is in [DEFAULT] to all sections; here it is not read"
	}
	first, _, _ := strings.Cut(strings.ToLower(trim(s.header)), " ")
	if isKeyword(first) || first == defaultName {
		return "the header " + shown + " names nothing; its section is not read"
	}
	for _, k := range keys {
		if settingNamed(k.name) != nil {
			return "the header " + shown + ` lacks the word "profile"; its section is not read`
		}
	}
	return ""
}

func credentialsHeaderProblem(s *section, shown string) string {
	first, _, named := strings.Cut(s.header, " ")
	switch {
	case first == "profile" && named:
		return "the header " + shown + ` has the word "profile", which is part of the name in this file`
	case trim(s.header) != s.header:
		return "the header " + shown + " has blanks around the name, which are part of it"
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
