package profile

import "strings"

type sectionKind int

const (
	otherSection sectionKind = iota // the AWS CLI's own, or a mistake
	profileSection
	sessionSection  // [sso-session NAME]
	oidcSection     // [oidc-session NAME]
	identitySection // [identity NAME]
	servicesSection // [services NAME]
	policySection   // [session-policy NAME]
	noSection       // the lines before the first header
	openSection     // its header has no closing bracket
)

// keywords are the first words of the headers that name something, in the config file.
var keywords = []struct {
	word string
	kind sectionKind
}{
	{"profile", profileSection},
	{"sso-session", sessionSection},
	{"oidc-session", oidcSection},
	{"identity", identitySection},
	{"services", servicesSection},
	{"session-policy", policySection},
}

// SectionWords returns the first words of the headers that name something, such as sso-session.
func SectionWords() []string {
	words := make([]string, 0, len(keywords))
	for _, k := range keywords {
		words = append(words, k.word)
	}
	return words
}

// readHeader returns what kind of section the header of a config file begins, and its name.
// A header that names nothing is otherSection.
func readHeader(header string) (sectionKind, string) {
	if header == defaultName {
		return profileSection, defaultName
	}
	for _, k := range keywords {
		if !strings.HasPrefix(header, k.word) {
			continue
		}
		if name, ok := soleArgument(header[len(k.word):]); ok {
			return k.kind, name
		}
	}
	return otherSection, ""
}

// soleArgument returns the one word that rest consists of, after at least one blank.
func soleArgument(rest string) (string, bool) {
	if rest == "" || !isShellBlank(rest[0]) {
		return "", false
	}
	word := trimBlanks(rest)
	if isPlain(word) {
		return word, word != "" // the usual case, of which there may be thousands
	}
	words, ok := splitWords(word)
	if !ok || len(words) != 1 || words[0] == "" {
		return "", false
	}
	return words[0], true
}

func trimBlanks(s string) string {
	for s != "" && isShellBlank(s[0]) {
		s = s[1:]
	}
	for s != "" && isShellBlank(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// isPlain tells whether a shell takes s as one word that stands for itself.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; isShellBlank(c) || c == '"' || c == '\'' || c == '\\' {
			return false
		}
	}
	return true
}

func isShellBlank(b byte) bool { return b == ' ' || b == '\t' || b == '\r' || b == '\n' }

// splitWords splits as a POSIX shell does, which is how the AWS CLI reads a header (Python's
// shlex.split): single quotes keep everything, double quotes let a backslash escape themselves
// and it. It fails on a quote or a backslash that nothing follows.
func splitWords(s string) ([]string, bool) {
	var words []string
	var word strings.Builder
	var begun bool
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case isShellBlank(c):
			if begun {
				words = append(words, word.String())
				word.Reset()
				begun = false
			}
			continue
		case c == '\\':
			i++
			if i == len(s) {
				return nil, false
			}
			word.WriteByte(s[i])
		case c == '\'' || c == '"':
			n, ok := readQuoted(&word, s[i+1:], c)
			if !ok {
				return nil, false
			}
			i += n
		default:
			word.WriteByte(c)
		}
		begun = true
	}
	if begun {
		words = append(words, word.String())
	}
	return words, true
}

// readQuoted writes what stands before the closing quote and returns how far that is, the
// quote included.
func readQuoted(word *strings.Builder, s string, quote byte) (int, bool) {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == quote:
			return i + 1, true
		case s[i] == '\\' && quote == '"' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			word.WriteByte(s[i])
		default:
			word.WriteByte(s[i])
		}
	}
	return 0, false
}

// writeHeader returns the header that readHeader reads as this profile.
func writeHeader(name string) string {
	if name == defaultName {
		return "[" + defaultName + "]"
	}
	return headerOf("profile", name)
}

// headerOf returns the header that readHeader reads as a section of that keyword and name.
func headerOf(word, name string) string {
	if !isPlain(name) {
		name = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
	}
	return "[" + word + " " + name + "]"
}
