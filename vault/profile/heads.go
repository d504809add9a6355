package profile

import (
	"strings"
	"unicode/utf8"
)

// findHeads finds the headers and tells whether there are no more than may be. It looks at
// lines that begin with a bracket only, and at those before one that is indented: such a line
// is no header where it goes on with the value of a key above that stands less deep.
func (f *File) findHeads() bool {
	body := 0
	if strings.HasPrefix(f.text, byteOrderMark) {
		body = len(byteOrderMark)
	}
	f.sections = make([]section, 1, 1+min(strings.Count(f.text, "["), maxSections))
	f.last = make(map[string]int, cap(f.sections))
	f.sections[0] = section{kind: noSection, begin: body, start: body}
	var g grammar
	for l := newLines(f.text, body, 0); ; {
		start, found := l.bracket()
		if !found {
			f.sections[len(f.sections)-1].end = len(f.text)
			return true
		}
		if f.text[start] == '[' || len(f.sections) == 1 { // nothing goes on before the first header
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
		s := section{line: l.number, begin: start, start: l.pos}
		s.kind, s.name, s.header = readHead(f.kind, content)
		s.previous, f.last[s.name] = f.last[s.name], len(f.sections)
		f.sections = append(f.sections, s)
	}
}

// bracket returns where the next line begins whose first character besides blanks is an opening
// bracket.
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

// skip goes to the beginning of another line, further down.
func (l *lines) skip(to int) {
	passed := l.text[l.pos:to]
	l.number += strings.Count(passed, "\n")
	if l.cr = l.find('\r', l.cr); l.cr < to {
		l.number += strings.Count(passed, "\r") - strings.Count(passed, "\r\n")
	}
	l.pos = to
}

// readHead returns what section a header's line begins, its name, and the header itself. The
// line is given without the blanks around it.
func readHead(file OriginKind, line string) (kind sectionKind, name, header string) {
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
