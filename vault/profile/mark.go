package profile

import (
	"slices"
	"strings"
)

// Marked returns the names of all profiles whose section begins with the mark. The mark is a comment in
// the line after the header. A program uses a mark to recognize the profiles that it wrote.
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
	start, end, ok := newLines(text[:s.end], s.bodyStart, s.line).next()
	return ok && trim(text[start:end]) == mark
}

// WithMarked returns the text of the file with a new marked profile that has these settings. It fails
// with the errors of [WithProfile], and also if the profile already exists.
func WithMarked(f *File, name, mark string, settings []Setting) ([]byte, error) {
	if f.Has(name) {
		return nil, &ValueError{Setting: "name", Found: shorten(name), Want: "a profile that does not exist yet"}
	}
	if !strings.HasPrefix(mark, "#") || strings.ContainsAny(mark, "\r\n") || trim(mark) != mark {
		return nil, &ValueError{Setting: "mark", Found: shorten(mark), Want: `a line that begins with "#"`}
	}
	text, err := WithProfile(f, name, settings)
	if err != nil {
		return nil, err
	}
	header, eol := profileHeader(f.kind, name), lineEnding(f.text)
	at := len(f.text) + strings.Index(string(text[len(f.text):]), header) + len(header) + len(eol)
	return slices.Concat(text[:at], []byte(mark+eol), text[at:]), nil
}

// WithoutMarked returns the text of the file without a marked profile. The argument settings has what the program
// writes to the profile; an empty value stands for any value. WithoutMarked never removes lines that a user added or
// changed. It returns false if the profile has another key or another value, or a comment before one of these
// settings. Comments after the last setting stay in the file.
func WithoutMarked(f *File, name, mark string, settings []Setting) ([]byte, bool) {
	sections := f.named(profileSection, name)
	if len(sections) != 1 || !isMarked(f.text, sections[0], mark) {
		return nil, false
	}
	s := sections[0]
	end, ok := ownLines(f.text, s, mark, settings)
	if !ok {
		return nil, false
	}
	begin := s.headerStart
	// Remove the blank line before the section too.
	before := f.text[:begin]
	for _, eol := range []string{"\r\n", "\n", "\r"} {
		if strings.HasSuffix(before, eol+eol) {
			before = strings.TrimSuffix(before, eol)
			break
		}
	}
	text := before + f.text[end:]
	return []byte(text), onlyRemoved(f, s, text)
}

// onlyRemoved reports whether the text has all sections of the file except one. Without the removed lines, an indented
// line can become part of the value above it, and a text that begins with a NUL byte would be read as UTF-16.
func onlyRemoved(f *File, removed *section, text string) bool {
	edited, err := parse(f.path, f.kind, text)
	if err != nil || len(edited.sections) != len(f.sections)-1 {
		return false
	}
	i := 0
	for j := range f.sections {
		s := &f.sections[j]
		if s == removed {
			continue
		}
		if !sameSection(f, s, edited, &edited.sections[i], func(key) bool { return false }) {
			return false
		}
		i++
	}
	return true
}

// ownLines returns the end of the lines that the program wrote in a section. It returns false if the user added or
// changed a key in the section, or added a comment before one of the program's keys. Blank lines and comments after
// the last key are treated as part of the next section.
func ownLines(text string, s *section, mark string, settings []Setting) (end int, ok bool) {
	var g grammar
	end = s.bodyStart
	tail := false // whether the user added a comment; if a key follows, ownLines returns false
	for l := newLines(text[:s.end], s.bodyStart, s.line); ; {
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
		case !tail && kind == keyLine && isOwn(content, settings):
			end = l.pos
		default:
			return 0, false
		}
	}
}

// isOwn reports whether the line of a key is one of the settings, with its value.
func isOwn(content string, settings []Setting) bool {
	separator := strings.IndexAny(content, "=:")
	name, value := strings.ToLower(trimRight(content[:separator])), trimLeft(content[separator+1:])
	return slices.ContainsFunc(settings, func(s Setting) bool { return s.Name == name && (s.Value == "" || s.Value == value) })
}
