package profile

import (
	"iter"
	"strings"
	"unicode/utf8"
)

// Bounds on one section, so that a file of nonsense costs little more than reading it.
const (
	maxKeys = 10_000
	maxBad  = 100
)

// key is one setting as it stands in a section.
type key struct {
	name  string // in lower case
	value string // the lines that go on with it are joined with "\n"
	line  int
	begin int  // where the key's line begins in the text
	on    span // the value on the key's own line
	next  int  // where the line after the value begins
}

// span is a stretch of the text, in bytes.
type span struct{ start, end int }

// keyReader reads the lines of one section.
type keyReader struct {
	file    *File
	section *section
	keys    []key
	bad     []*SyntaxError

	value  strings.Builder // of the last key, once it has more than its own line
	blanks int             // blank lines since; they belong to the value if more of it follows
}

// keys reads one section. The errors come with the keys that are good, for those who want
// to list all that is wrong.
func (f *File) keys(s *section) ([]key, []*SyntaxError) {
	r := keyReader{file: f, section: s}
	var g grammar
	for l := newLines(f.text[:s.end], s.start, s.line); len(r.keys) <= maxKeys; {
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
			r.refuse(l.number, describeBad(content), "KEY = VALUE")
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
		name:  strings.ToLower(trimRight(content[:separator])),
		value: value,
		line:  line,
		begin: start,
		on:    span{end - len(value), end},
		next:  next,
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
	last.next = next
}

func (r *keyReader) finish() {
	if r.value.Len() > 0 {
		r.keys[len(r.keys)-1].value = r.value.String()
		r.value.Reset()
	}
	r.blanks = 0
}

// piece is a line that goes on with a value.
type piece struct {
	text  string
	line  int
	whole span // with its indentation and its line ending
}

// pieces walks the lines that go on with a value, blank ones and comments left out.
func pieces(text string, k key) iter.Seq[piece] {
	return func(yield func(piece) bool) {
		l := newLines(text[:k.next], k.begin, k.line-1)
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
		return "bytes that are no UTF-8", "text in UTF-8"
	}
	return "", ""
}

func describeBad(content string) string {
	if strings.IndexAny(content, "=:") == 0 {
		return "a line with no key before the separator"
	}
	return `a line with neither "=" nor ":"`
}
