package profile

import (
	"fmt"
	"slices"
)

// Bounds on what is read. Twenty thousand profiles are about 3 MiB.
const (
	maxFile     = 32 << 20
	maxSections = 1 << 18
)

const defaultName = "default"

// byteOrderMark is left in its place and not read as part of the first line.
const byteOrderMark = "\ufeff"

// File is the text of a config or credentials file, and where its sections begin. It does not
// change, and any number of goroutines may use it. The zero File is one without sections. An edit,
// such as [WithProfile], returns the text that the file should have instead.
type File struct {
	path     string
	kind     OriginKind // ConfigFile or CredentialsFile
	text     string
	sections []section      // the first one has no header: it is the lines before any
	last     map[string]int // by name, the place of the last section of any kind
	near     *nearby
}

// Parse finds the sections of a config file, and reads no more than their headers. Path is how
// messages name the file, such as ~/.aws/config. It fails with a *SyntaxError only for what is
// no config file at all: UTF-16, more than 32 MiB or more than 262144 sections. A bad line is an
// error for those who use its section. A text that is a string is not copied.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
func Parse[Text string | []byte](path string, text Text) (*File, error) {
	return parse(path, ConfigFile, text)
}

// ParseCredentials does for a shared credentials file what Parse does for a config file. A
// header is the bare name of a profile there.
func ParseCredentials[Text string | []byte](path string, text Text) (*File, error) {
	return parse(path, CredentialsFile, text)
}

func parse[Text string | []byte](path string, kind OriginKind, text Text) (*File, error) {
	whole := Origin{Kind: kind, Path: path}
	if len(text) > maxFile {
		return nil, &SyntaxError{whole, fmt.Sprintf("%d bytes", len(text)), fmt.Sprintf("at most %d", maxFile)}
	}
	f := &File{path: path, kind: kind, text: string(text), near: &nearby{}}
	if isUTF16(f.text) {
		return nil, &SyntaxError{whole, "a file in UTF-16", "one in UTF-8"}
	}
	if !f.findHeads() {
		return nil, &SyntaxError{whole, "too many sections", fmt.Sprintf("at most %d", maxSections)}
	}
	return f, nil
}

// isUTF16 looks at the first character: its byte order mark, or the zero byte that every
// character of ASCII has in UTF-16.
func isUTF16(text string) bool {
	if len(text) < 2 {
		return false
	}
	a, b := text[0], text[1]
	return a == 0xfe && b == 0xff || a == 0xff && b == 0xfe || (a == 0) != (b == 0)
}

// Path returns how messages name the file.
func (f *File) Path() string { return f.path }

// Profiles returns the names that have a section, in the order of the file, each once.
// "default" is among them only if it has a section too.
func (f *File) Profiles() []string { return f.names(profileSection) }

// SSOSessions returns the names of the sso-session sections, sorted.
func (f *File) SSOSessions() []string { return sorted(f.names(sessionSection)) }

// OIDCSessions returns the names of the oidc-session sections, sorted.
func (f *File) OIDCSessions() []string { return sorted(f.names(oidcSection)) }

// Identities returns the names of the identity sections, sorted.
func (f *File) Identities() []string { return sorted(f.names(identitySection)) }

// SessionPolicies returns the names of the session-policy sections, sorted.
func (f *File) SessionPolicies() []string { return sorted(f.names(policySection)) }

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}

// Has tells whether the profile has a section.
func (f *File) Has(name string) bool { return len(f.named(profileSection, name)) > 0 }

// Format prints the path and nothing of the text, which may hold secrets.
func (f File) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "File(%s)", f.path) }

func (f *File) origin(s *section, line int, key string) Origin {
	return Origin{Kind: f.kind, Name: key, Path: f.path, Line: line, Section: s.header}
}
