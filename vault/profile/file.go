package profile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds on what is read. Twenty thousand profiles are about 3 MiB.
const (
	maxFile     = 32 << 20
	maxSections = 1 << 18
)

const defaultName = "default"

// byteOrderMark is left in its place and not read as part of the first line.
const byteOrderMark = "\ufeff"

// File is the text of a config or credentials file and an index of its sections. It does not
// change, and any number of goroutines may use it.
type File struct {
	path     string
	kind     OriginKind // ConfigFile or CredentialsFile
	text     string
	sections []section
	names    []string // of the profiles, in file order

	// The first section of each name; the others of that name follow by section.next.
	profiles, sessions, oidcSessions, identities, services, policies map[string]int
}

// section is one header and the lines up to the next one.
type section struct {
	kind   sectionKind
	name   string
	header string // between the brackets
	line   int    // the header's
	indent string // the blanks before the header
	start  int    // where the lines after the header begin in the text
	end    int
	next   int // the next section of the same kind and name; 0 for none
	before int // the one before it
	last   int // in the first of a name: the last one of that name
}

// Parse indexes the text of a config file in one pass. Path is how messages name the file,
// such as ~/.aws/config. It fails with a *SyntaxError only for what is no config file at all:
// UTF-16, more than 32 MiB or more than 262144 sections. A bad line is an error for those who use its section.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
func Parse(path string, text []byte) (*File, error) {
	return parse(path, ConfigFile, text)
}

// ParseCredentials indexes the text of a shared credentials file, where a header is the bare
// name of a profile. It fails as Parse does.
func ParseCredentials(path string, text []byte) (*File, error) {
	return parse(path, CredentialsFile, text)
}

func parse(path string, kind OriginKind, text []byte) (*File, error) {
	whole := Origin{Kind: kind, Path: path}
	if len(text) > maxFile {
		return nil, &SyntaxError{whole, fmt.Sprintf("%d bytes", len(text)), fmt.Sprintf("at most %d", maxFile)}
	}
	if isUTF16(text) {
		return nil, &SyntaxError{whole, "a file in UTF-16", "one in UTF-8"}
	}
	f := &File{
		path: path, kind: kind, text: string(text),
		profiles: map[string]int{}, sessions: map[string]int{}, oidcSessions: map[string]int{}, identities: map[string]int{},
		services: map[string]int{}, policies: map[string]int{},
	}
	if !f.index() {
		return nil, &SyntaxError{whole, "too many sections", fmt.Sprintf("at most %d", maxSections)}
	}
	return f, nil
}

// isUTF16 looks at the first character: its byte order mark, or the zero byte that every
// character of ASCII has in UTF-16.
func isUTF16(text []byte) bool {
	if len(text) < 2 {
		return false
	}
	a, b := text[0], text[1]
	return a == 0xfe && b == 0xff || a == 0xff && b == 0xfe || (a == 0) != (b == 0)
}

// index finds the sections and tells whether there are no more than may be.
func (f *File) index() bool {
	body := 0
	if strings.HasPrefix(f.text, byteOrderMark) {
		body = len(byteOrderMark)
	}
	f.sections = make([]section, 1, 1+min(strings.Count(f.text, "["), maxSections))
	f.sections[0] = section{kind: noSection, start: body, end: len(f.text)}
	var g grammar
	for l := newLines(f.text, body, 0); ; {
		start, end, ok := l.next()
		if !ok {
			return true
		}
		kind, content := g.read(f.text[start:end])
		if kind != headerLine && kind != openHeaderLine {
			if len(f.sections) == 1 {
				g.open = false // nothing goes on before the first header
			}
			continue
		}
		if len(f.sections) > maxSections {
			return false
		}
		f.sections[len(f.sections)-1].end = start
		line := f.text[start:end]
		f.add(section{
			kind: openSection, header: content,
			line: l.number, indent: line[:len(line)-len(trimLeft(line))],
			start: l.pos, end: len(f.text),
		}, kind == openHeaderLine)
	}
}

func (f *File) add(s section, open bool) {
	if !open {
		s.header = s.header[1:strings.LastIndexByte(s.header, ']')]
		switch {
		case strings.IndexByte(s.header, 0) >= 0 || !utf8.ValidString(s.header):
			s.kind = otherSection
		case f.kind == CredentialsFile:
			s.kind, s.name = profileSection, s.header
		default:
			s.kind, s.name = readHeader(s.header)
		}
	}
	i := len(f.sections)
	s.last = i
	f.sections = append(f.sections, s)
	index := f.indexOf(s.kind)
	if index == nil {
		return
	}
	first, known := index[s.name]
	if !known {
		index[s.name] = i
		if s.kind == profileSection {
			f.names = append(f.names, s.name)
		}
		return
	}
	f.sections[i].before = f.sections[first].last
	f.sections[f.sections[first].last].next = i
	f.sections[first].last = i
}

func (f *File) indexOf(k sectionKind) map[string]int {
	switch k {
	case profileSection:
		return f.profiles
	case sessionSection:
		return f.sessions
	case oidcSection:
		return f.oidcSessions
	case identitySection:
		return f.identities
	case servicesSection:
		return f.services
	case policySection:
		return f.policies
	}
	return nil
}

// named returns the sections of that kind and name, the one that counts most last.
func (f *File) named(k sectionKind, name string) []*section {
	if f == nil {
		return nil
	}
	var all []*section
	i, ok := f.indexOf(k)[name]
	for ok {
		all = append(all, &f.sections[i])
		i = f.sections[i].next
		ok = i != 0
	}
	if k == profileSection && name == defaultName {
		// [profile default] counts more than [default], wherever they stand: the Go SDK's rule.
		slices.SortStableFunc(all, func(a, b *section) int { return a.rank() - b.rank() })
	}
	return all
}

// rank puts the two ways to head the default profile in order.
func (s *section) rank() int {
	if s.header == defaultName {
		return 0
	}
	return 1
}

// Path returns how messages name the file.
func (f *File) Path() string { return f.path }

// Profiles returns the names that have a section, in the order of the file, each once.
// "default" is among them only if it has a section too.
func (f *File) Profiles() []string { return slices.Clone(f.names) }

// SSOSessions returns the names of the sso-session sections, sorted.
func (f *File) SSOSessions() []string { return slices.Sorted(maps.Keys(f.sessions)) }

// OIDCSessions returns the names of the oidc-session sections, sorted.
func (f *File) OIDCSessions() []string { return slices.Sorted(maps.Keys(f.oidcSessions)) }

// Identities returns the names of the identity sections, sorted.
func (f *File) Identities() []string { return slices.Sorted(maps.Keys(f.identities)) }

// Has tells whether the profile has a section.
func (f *File) Has(name string) bool {
	if f == nil {
		return false
	}
	_, ok := f.profiles[name]
	return ok
}

// Format prints the path and nothing of the text, which may hold secrets.
func (f File) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "File(%s)", f.path) }

func (f *File) origin(s *section, line int, key string) Origin {
	return Origin{Kind: f.kind, Name: key, Path: f.path, Line: line, Section: s.header}
}
