package profile

import (
	"iter"
	"strings"
	"unicode/utf8"
)

// The maximum numbers of keys and of reported errors in one section. They limit the time and the memory for a
// malformed file.
const (
	maxKeys = 10_000
	maxBad  = 100
)

// key is one setting in a section.
type key struct {
	name      string // in lower case
	value     string // whole value; its lines are joined with "\n"
	line      int
	lineStart int  // start of the key's line in the text
	valueSpan span // position of the value in the key's line, without continuation lines
	nextLine  int  // start of the line after the value
}

// span is a range of bytes in the text of a file.
type span struct{ start, end int }

// keyReader reads the lines of one section.
type keyReader struct {
	file    *File
	section *section
	keys    []key
	bad     []*SyntaxError

	value  strings.Builder // value of the last key; empty if the key has no continuation lines
	blanks int             // blank lines after the value; a continuation line after them adds them to the value
}

// keys reads one section. It returns all valid keys, and an error for each invalid line.
func (f *File) keys(s *section) ([]key, []*SyntaxError) {
	r := keyReader{file: f, section: s}
	var g grammar
	for l := newLines(f.text[:s.end], s.bodyStart, s.line); len(r.keys) <= maxKeys; {
		start, end, ok := l.next()
		if !ok {
			break
		}
		kind, content := g.read(f.text[start:end])
		if kind == commentLine {
			continue
		}
		if found, want := badBytes(content); found != "" {
			r.refuse(l.number, found, want)
		}
		switch kind {
		case badLine:
			r.refuse(l.number, describeBad(content), keyValue)
		case keyLine:
			r.finish()
			r.key(content, l.number, start, l.pos)
		case moreLine:
			r.more(content, l.pos)
		case blankLine:
			r.blanks++
		}
	}
	r.finish()
	if len(r.keys) > maxKeys {
		r.refuse(r.keys[maxKeys].line, "too many keys in one section", "at most 10000")
	}
	return r.keys, r.bad
}

// badLines returns the same errors as the method keys for lines of a section that cannot be read, but is faster.
func (f *File) badLines(s *section) []*SyntaxError {
	r := keyReader{file: f, section: s}
	var g grammar
	for l := newLines(f.text[:s.end], s.bodyStart, s.line); ; {
		start, end, ok := l.next()
		if !ok {
			return r.bad
		}
		kind, content := g.read(f.text[start:end])
		if kind == commentLine {
			continue
		}
		if found, want := badBytes(content); found != "" {
			r.refuse(l.number, found, want)
		}
		if kind == badLine {
			r.refuse(l.number, describeBad(content), keyValue)
		}
	}
}

const keyValue = "KEY = VALUE" // what a line of a section must be

func (r *keyReader) refuse(line int, found, want string) {
	if len(r.bad) < maxBad {
		r.bad = append(r.bad, &SyntaxError{r.file.origin(r.section, line, ""), found, want})
	}
}

func (r *keyReader) key(content string, line, start, next int) {
	at := start + strings.Index(r.file.text[start:next], content)
	separator := strings.IndexAny(content, "=:")
	value := trimLeft(content[separator+1:])
	end := at + len(content)
	r.keys = append(r.keys, key{
		name:      strings.ToLower(trimRight(content[:separator])),
		value:     value,
		line:      line,
		lineStart: start,
		valueSpan: span{end - len(value), end},
		nextLine:  next,
	})
}

func (r *keyReader) more(content string, next int) {
	last := &r.keys[len(r.keys)-1]
	if r.value.Len() == 0 {
		r.value.WriteString(last.value)
	}
	for ; r.blanks > 0; r.blanks-- {
		r.value.WriteByte('\n')
	}
	r.value.WriteByte('\n')
	r.value.WriteString(content)
	last.nextLine = next
}

func (r *keyReader) finish() {
	if r.value.Len() > 0 {
		r.keys[len(r.keys)-1].value = r.value.String()
		r.value.Reset()
	}
	r.blanks = 0
}

// piece is a continuation line of a value.
type piece struct {
	text     string
	line     int
	fullLine span // the whole line with its indentation and its line ending
}

// pieces yields the continuation lines of a value. It skips blank lines and comments.
func pieces(text string, k key) iter.Seq[piece] {
	return func(yield func(piece) bool) {
		l := newLines(text[:k.nextLine], k.lineStart, k.line-1)
		l.next()
		for {
			start, end, ok := l.next()
			if !ok {
				return
			}
			var g grammar
			kind, content := g.read(text[start:end])
			if kind == blankLine || kind == commentLine {
				continue
			}
			if !yield(piece{content, l.number, span{start, l.pos}}) {
				return
			}
		}
	}
}

func badBytes(content string) (found, want string) {
	switch {
	case strings.IndexByte(content, 0) >= 0:
		return "a NUL byte", "text"
	case !utf8.ValidString(content):
		return "bytes that are not UTF-8", "text in UTF-8"
	}
	return "", ""
}

func describeBad(content string) string {
	if strings.IndexAny(content, "=:") == 0 {
		return "a line without a key before the separator"
	}
	return `a line without "=" or ":"`
}
