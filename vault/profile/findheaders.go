package profile

import (
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
		s.kind, s.name, s.header = readHeaderLine(f.kind, content)
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

// readHeaderLine returns the kind and the name of the section that begins with a header line, and the
// header's text. The line must have no blanks around it.
func readHeaderLine(file OriginKind, line string) (kind sectionKind, name, header string) {
	closing := strings.LastIndexByte(line, ']')
	if closing <= 1 {
		return openSection, "", line
	}
	header = line[1:closing]
	switch {
	case strings.IndexByte(header, 0) >= 0 || !utf8.ValidString(header):
		return otherSection, "", header
	case file == CredentialsFile:
		return profileSection, header, header
	}
	kind, name = readHeader(header)
	return kind, name, header
}
