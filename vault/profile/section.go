package profile

// section is one header and the lines up to the next one.
type section struct {
	at     int // which head it has
	kind   sectionKind
	name   string
	header string // between the brackets
	line   int    // the header's
	indent string // the blanks before the header
	start  int    // where the lines after the header begin in the text
	end    int
}

// section reads the header of a section. The first one has none: it is made of the lines before
// any header.
func (f *File) section(i int) section {
	h := f.heads[i]
	s := section{at: i, kind: noSection, line: int(h.line), start: int(h.start), end: len(f.text)}
	if i+1 < len(f.heads) {
		s.end = int(f.heads[i+1].start)
	}
	if i == 0 {
		return s
	}
	l := newLines(f.text[:s.end], s.start, 0)
	from, to, _ := l.next()
	line := f.text[from:to]
	content := trimLeft(line)
	s.indent, s.start = line[:len(line)-len(content)], l.pos
	s.kind, s.name, s.header = readHead(f.kind, trimRight(content))
	return s
}
