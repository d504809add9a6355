package profile

import (
	"fmt"
	"slices"
)

// Limits of one file. For comparison: a file with 20,000 profiles has about 3 MiB.
const (
	maxFile     = 32 << 20
	maxSections = 1 << 18
)

const defaultName = "default"

// byteOrderMark may be at the start of a file. It stays in the text, but it does not belong to the first
// line.
const byteOrderMark = "\ufeff"

// File is a parsed config file or shared credentials file. It is immutable and safe for concurrent
// use. The zero File has no sections. Functions that edit a file, such as [WithProfile], return its
// new text.
type File struct {
	path     string
	kind     OriginKind // ConfigFile or CredentialsFile
	text     string
	sections []section      // the first element holds the lines before the first header
	last     map[string]int // maps a name to the index of the last section with that name and any kind
	nearest  *nearCache
	trust    Trust
}

// Parse parses a config file. It finds all sections, but reads only their headers. path is the name of the file in
// messages, such as ~/.aws/config. Parse fails with a *SyntaxError if the file is in UTF-16, is larger than 32 MiB
// or has more than 262144 sections. An invalid line is an error only when its section is used. If text is a
// string, Parse does not copy it.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
func Parse[Text string | []byte](path string, text Text) (*File, error) {
	return parse(path, ConfigFile, text)
}

// ParseCredentials is like [Parse] for a shared credentials file. The headers of such a file are profile names
// without the word "profile".
func ParseCredentials[Text string | []byte](path string, text Text) (*File, error) {
	return parse(path, CredentialsFile, text)
}

func parse[Text string | []byte](path string, kind OriginKind, text Text) (*File, error) {
	whole := Origin{Kind: kind, Path: path}
	if len(text) > maxFile {
		return nil, &SyntaxError{whole, fmt.Sprintf("%d bytes", len(text)), fmt.Sprintf("at most %d", maxFile)}
	}
	f := &File{path: path, kind: kind, text: string(text), nearest: &nearCache{}}
	if isUTF16(f.text) {
		return nil, &SyntaxError{whole, "a file in UTF-16", "a file in UTF-8"}
	}
	if !f.findHeaders() {
		return nil, &SyntaxError{whole, "too many sections", fmt.Sprintf("at most %d", maxSections)}
	}
	return f, nil
}

// isUTF16 reports whether the text looks like UTF-16: it starts with a UTF-16 byte order mark, or
// exactly one of its first two bytes is zero.
func isUTF16(text string) bool {
	if len(text) < 2 {
		return false
	}
	a, b := text[0], text[1]
	return a == 0xfe && b == 0xff || a == 0xff && b == 0xfe || (a == 0) != (b == 0)
}

// Path returns the name of the file in messages.
func (f *File) Path() string { return f.path }

// Profiles returns the names of all profiles with a section, in the order of the file. Each name is
// returned once. "default" is returned only if it has a section.
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

// Has reports whether the profile has a section.
func (f *File) Has(name string) bool { return len(f.named(profileSection, name)) > 0 }

// Format prints only the path, because the text may contain secrets.
func (f File) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "File(%s)", f.path) }

func (f *File) origin(s *section, line int, key string) Origin {
	return Origin{Kind: f.kind, Name: key, Path: f.path, Line: line, Section: s.header}
}
