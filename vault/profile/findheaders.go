package profile

import (
	"cmp"
	"strings"
	"unicode/utf8"
)

// findHeaders finds all headers. It returns false if there are more than maxSections. To be fast, it
// reads only lines that begin with a bracket. If such a line is indented, findHeaders also reads the lines
// before it, because an indented line may be part of the value of a key above.
func (f *File) findHeaders() bool {
	body := 0
	if strings.HasPrefix(f.text, byteOrderMark) {
		body = len(byteOrderMark)
	}
	f.sections = make([]section, 1, 1+min(strings.Count(f.text, "["), maxSections))
	f.last = make(map[string]int, cap(f.sections))
	f.sections[0] = section{kind: noSection, headerStart: body, bodyStart: body}
	var g grammar
	for l := newLines(f.text, body, 0); ; {
		start, found := l.bracket()
		if !found {
			f.sections[len(f.sections)-1].end = len(f.text)
			return true
		}
		// A line before the first header is never part of a value.
		if f.text[start] == '[' || len(f.sections) == 1 {
			g = grammar{}
			l.skip(start)
		}
		for l.pos < start {
			from, to, _ := l.next()
			g.read(f.text[from:to])
		}
		from, to, _ := l.next()
		kind, content := g.read(f.text[from:to])
		if kind != headerLine && kind != openHeaderLine {
			continue
		}
		if len(f.sections) > maxSections {
			return false
		}
		f.sections[len(f.sections)-1].end = start
		s := section{line: l.number, headerStart: start, bodyStart: l.pos}
		readHeaderLine(f.kind, content, &s)
		s.previous, f.last[s.name] = f.last[s.name], len(f.sections)
		f.sections = append(f.sections, s)
	}
}

// bracket returns the start of the next line whose first non-blank character is an opening bracket.
func (l *lines) bracket() (start int, found bool) {
	for from := l.pos; ; {
		i := strings.IndexByte(l.text[from:], '[')
		if i < 0 {
			return 0, false
		}
		before := strings.TrimRightFunc(l.text[l.pos:from+i], isIndent)
		if before == "" || endsLine(before[len(before)-1]) {
			return l.pos + len(before), true
		}
		from += i + 1
	}
}

func endsLine(b byte) bool { return b == '\n' || b == '\r' }

func isIndent(r rune) bool { return isSpace(r) && r != '\n' && r != '\r' }

// skip moves forward to the line that starts at the position in the argument to.
func (l *lines) skip(to int) {
	passed := l.text[l.pos:to]
	l.number += strings.Count(passed, "\n")
	if l.cr = l.find('\r', l.cr); l.cr < to {
		l.number += strings.Count(passed, "\r") - strings.Count(passed, "\r\n")
	}
	l.pos = to
}

// readHeaderLine sets the kind, the name and the header of the section that begins with a header line. The line must
// have no blanks around it.
func readHeaderLine(file OriginKind, line string, s *section) {
	closing := strings.LastIndexByte(line, ']')
	if closing <= 1 {
		s.kind, s.header = brokenSection, line
		s.meant, s.name = guessHeader(file, strings.Trim(line, "[]"))
		return
	}
	s.header = line[1:closing]
	if strings.IndexByte(s.header, 0) >= 0 || !utf8.ValidString(s.header) {
		s.kind = brokenSection
		return
	}
	if file == CredentialsFile {
		s.kind, s.name = profileSection, s.header
		return
	}
	s.kind, s.name = readHeader(s.header)
	if s.kind == otherSection && beginsLikeSection(s.header) {
		s.kind = brokenSection
		if s.meant, s.name = guessHeader(file, s.header); s.name == defaultName {
			s.name = "" // a wrong [default] would make all profiles unusable, although the AWS CLI only ignores it
		}
	}
}

// brokenHeader returns an error if the file has a broken header that probably meant this section. The settings in the
// section are not read, so a profile must not be used without them.
func (f *File) brokenHeader(k sectionKind, name string) error {
	if name == "" {
		return nil
	}
	for _, s := range f.named(brokenSection, name) {
		if s.meant == k {
			return &SyntaxError{f.origin(s, s.line, ""), "the header " + s.headerText(), f.meantHeader(s)}
		}
	}
	return nil
}

// unreadSection describes the section of a config file whose header has only the name of a profile, such as [admin], or
// no blank before the name. All AWS tools ignore such a section. It returns nil if there is none.
func (f *File) unreadSection(name string) *SyntaxError {
	if f == nil || f.kind != ConfigFile {
		return nil
	}
	for i := range f.sections {
		s := &f.sections[i]
		if s.kind == otherSection && (trim(s.header) == name || s.header == "profile"+name) {
			return &SyntaxError{f.origin(s, s.line, ""), "the header " + s.headerText(), quoteUnsafe(writeHeader(name))}
		}
	}
	return nil
}

// headerText returns a broken header for messages, with the brackets that it has.
func (s *section) headerText() string {
	if strings.HasPrefix(s.header, "[") {
		return quoteUnsafe(s.header)
	}
	return quoteUnsafe("[" + s.header + "]")
}

// meantHeader returns the header that a broken header probably meant. It returns an example if there is no name.
func (f *File) meantHeader(s *section) string {
	kind, name := guessHeader(f.kind, strings.Trim(s.header, "[]"))
	name = shorten(cmp.Or(name, "NAME"))
	if f.kind == CredentialsFile {
		return quoteUnsafe("[" + name + "]")
	}
	return quoteUnsafe(writeSection(kind, name))
}
