package profile

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// lines reads a text line by line. "\n", "\r\n" and a single "\r" end a line, as in a file that
// Python opens as text.
type lines struct {
	text   string
	pos    int // start of the next line
	number int // number of the last line that was read, from 1

	// Positions of the next "\n" and "\r". If the text has no "\r", the method next would otherwise search the
	// rest of the text for "\r" at every line.
	lf, cr int
}

func newLines(text string, pos, number int) *lines {
	return &lines{text: text, pos: pos, number: number, lf: -1, cr: -1}
}

// next returns the start and end of the next line, without its line ending.
func (l *lines) next() (start, end int, ok bool) {
	if l.pos >= len(l.text) {
		return 0, 0, false
	}
	l.lf = l.find('\n', l.lf)
	l.cr = l.find('\r', l.cr)
	start, end = l.pos, min(l.lf, l.cr)
	l.pos = min(end+1, len(l.text))
	if strings.HasPrefix(l.text[end:], "\r\n") {
		l.pos++ // "\r\n" is one line ending
	}
	l.number++
	return start, end, true
}

func (l *lines) find(b byte, known int) int {
	if known >= l.pos {
		return known
	}
	if i := strings.IndexByte(l.text[l.pos:], b); i >= 0 {
		return l.pos + i
	}
	return len(l.text)
}

// isSpace returns the same result as Python's str.isspace, which also accepts four ASCII separators that
// unicode.IsSpace does not accept.
func isSpace(r rune) bool {
	return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f
}

func trim(s string) string {
	return trimRight(trimLeft(s))
}

func trimLeft(s string) string {
	for len(s) > 0 {
		if s[0] >= utf8.RuneSelf {
			return strings.TrimLeftFunc(s, isSpace)
		}
		if !isSpace(rune(s[0])) {
			break
		}
		s = s[1:]
	}
	return s
}

func trimRight(s string) string {
	for len(s) > 0 {
		last := s[len(s)-1]
		if last >= utf8.RuneSelf {
			return strings.TrimRightFunc(s, isSpace)
		}
		if !isSpace(rune(last)) {
			break
		}
		s = s[:len(s)-1]
	}
	return s
}

type lineKind int

const (
	blankLine lineKind = iota
	commentLine
	headerLine     // [profile bob]
	openHeaderLine // [profile bob without the closing bracket; the line may contain a separator
	keyLine        // region = eu-west-1
	moreLine       // a line that continues the value above it
	badLine        // a line without a separator, or without a key before the separator
)

// grammar determines the kind of each line. The kind depends on the lines before: a line that is
// indented more than the last key continues the key's value. The AWS CLI reads the file with Python's
// configparser, so grammar follows the same rules.
// https://docs.python.org/3/library/configparser.html#supported-ini-file-structure
type grammar struct {
	indent int
	open   bool // whether the next line can continue a value
}

// read returns the kind of the line, and the line without blanks around it.
func (g *grammar) read(line string) (lineKind, string) {
	left := trimLeft(line)
	content := trimRight(left)
	switch {
	case content == "":
		return blankLine, ""
	case content[0] == '#' || content[0] == ';':
		return commentLine, content
	}
	indent := utf8.RuneCountInString(line[:len(line)-len(left)])
	if g.open && indent > g.indent {
		return moreLine, content
	}
	g.indent = indent
	bracket := content[0] == '['
	if bracket && strings.LastIndexByte(content, ']') > 1 {
		g.open = false
		return headerLine, content
	}
	if bracket {
		g.open = false
		return openHeaderLine, content
	}
	separator := strings.IndexAny(content, "=:")
	if separator < 0 {
		return badLine, content
	}
	g.open = separator > 0
	if !g.open {
		return badLine, content
	}
	return keyLine, content
}
