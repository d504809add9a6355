package profile

import (
	"slices"
	"strings"
)

// Marked returns the profiles one of whose sections begins with the mark: a comment on the
// line below its header, by which a program knows what it wrote.
func (f *File) Marked(mark string) []string {
	var names []string
	for _, name := range f.Profiles() {
		marked := func(s *section) bool { return isMarked(f.text, s, mark) }
		if slices.ContainsFunc(f.named(profileSection, name), marked) {
			names = append(names, name)
		}
	}
	return names
}

func isMarked(text string, s *section, mark string) bool {
	start, end, ok := newLines(text[:s.end], s.start, s.line).next()
	return ok && trim(text[start:end]) == mark
}

// WithMarked returns the text of the file with a new profile that has these settings and the
// mark, a comment of one line. It fails as WithProfile does, and for a profile that exists.
func WithMarked(f *File, name, mark string, settings []Setting) ([]byte, error) {
	if f.Has(name) {
		return nil, &ValueError{Setting: "name", Found: shorten(name), Want: "a profile that is not there yet"}
	}
	if !strings.HasPrefix(mark, "#") || strings.ContainsAny(mark, "\r\n") || trim(mark) != mark {
		return nil, &ValueError{Setting: "mark", Found: shorten(mark), Want: `a line that begins with "#"`}
	}
	text, err := WithProfile(f, name, settings)
	if err != nil {
		return nil, err
	}
	header, eol := writeHeader(name), lineEnding(f.text)
	at := len(f.text) + strings.Index(string(text[len(f.text):]), header) + len(header) + len(eol)
	return slices.Concat(text[:at], []byte(mark+eol), text[at:]), nil
}

// WithoutMarked returns the text of the file without a marked profile, and false if there is
// more in it than the mark and these settings: what a user has added stays, and with it the
// profile.
func WithoutMarked(f *File, name, mark string, settings []string) ([]byte, bool) {
	sections := f.named(profileSection, name)
	if len(sections) != 1 || !isMarked(f.text, sections[0], mark) {
		return nil, false
	}
	s := sections[0]
	end, ok := ownLines(f.text, s, mark, settings)
	if !ok {
		return nil, false
	}
	begin := s.begin
	// The blank line that set it apart goes with it.
	before := f.text[:begin]
	for _, eol := range []string{"\r\n", "\n", "\r"} {
		if strings.HasSuffix(before, eol+eol) {
			before = strings.TrimSuffix(before, eol)
			break
		}
	}
	text := before + f.text[end:]
	return []byte(text), !isUTF16(text) // a stray NUL that came to its front would make the file unreadable
}

// ownLines returns where the lines of a section end that its program wrote, and false if
// others stand between them. Blank lines and comments behind the last key belong to what
// follows.
func ownLines(text string, s *section, mark string, settings []string) (end int, ok bool) {
	var g grammar
	end = s.start
	tail := false // nothing of ours may follow
	for l := newLines(text[:s.end], s.start, s.line); ; {
		from, to, more := l.next()
		if !more {
			return end, true
		}
		kind, content := g.read(text[from:to])
		switch {
		case kind == blankLine:
		case kind == commentLine && content == mark && l.number == s.line+1:
			end = l.pos
		case kind == commentLine:
			tail = true
		case !tail && kind == keyLine && slices.Contains(settings, keyName(content)):
			end = l.pos
		default:
			return 0, false
		}
	}
}

func keyName(content string) string {
	return strings.ToLower(trimRight(content[:strings.IndexAny(content, "=:")]))
}
