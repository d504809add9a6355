package profile

import "strings"

type sectionKind int

const (
	otherSection sectionKind = iota // a section that only the AWS CLI reads, or a section that nothing reads
	profileSection
	sessionSection  // [sso-session NAME]
	oidcSection     // [oidc-session NAME]
	identitySection // [identity NAME]
	servicesSection // [services NAME]
	policySection   // [session-policy NAME]
	noSection       // the lines before the first header of the file
	brokenSection   // a section whose header cannot be read, such as [profile tom without a closing bracket
)

// keywords are the first words of headers such as [profile NAME] in the config file.
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

// SectionKeywords returns the first words of headers with a name, such as sso-session.
func SectionKeywords() []string {
	words := make([]string, 0, len(keywords))
	for _, k := range keywords {
		words = append(words, k.word)
	}
	return words
}

// readHeader returns the kind and the name of the section that begins with the header in the config file.
// It returns otherSection for a header without a name.
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

// guessHeader returns the kind and the name of the section that a broken header probably meant to begin. The text
// is the header without brackets. guessHeader returns no name if it is not clear what the header meant.
func guessHeader(file OriginKind, text string) (sectionKind, string) {
	text, _ = cutComments(trim(text))
	switch {
	case file == CredentialsFile:
		return profileSection, text
	case strings.EqualFold(text, defaultName):
		return profileSection, defaultName
	}
	for _, k := range keywords {
		if rest, ok := cutKeyword(text, k.word); ok {
			return k.kind, unquote(rest)
		}
	}
	return profileSection, unquote(text)
}

// cutKeyword cuts a keyword, in upper or lower case, from the start of a text. It returns false if the text does not
// begin with that word.
func cutKeyword(text, word string) (rest string, ok bool) {
	if len(text) < len(word) || !strings.EqualFold(text[:len(word)], word) {
		return "", false
	}
	rest = text[len(word):]
	return trim(rest), rest == "" || trimLeft(rest) != rest
}

// unquote joins the words of a name. If they cannot be split, it only removes quotes at both ends.
func unquote(name string) string {
	if words, ok := splitWords(name); ok {
		return strings.Join(words, " ")
	}
	return strings.Trim(name, `"'`)
}

// beginsLikeSection reports whether a header that cannot be read begins with a keyword or with the word "default".
// The section then probably does not belong to another program.
func beginsLikeSection(header string) bool {
	if header == "DEFAULT" {
		return false // the AWS CLI reads this section
	}
	header = trim(header)
	for _, k := range keywords {
		if _, ok := cutKeyword(header, k.word); ok {
			return true
		}
	}
	_, ok := cutKeyword(header, defaultName)
	return ok
}

// soleArgument returns the single word in the text after a keyword. It returns false if the text does not begin
// with a blank, or does not contain exactly one word.
func soleArgument(rest string) (string, bool) {
	if rest == "" || !isShellBlank(rest[0]) {
		return "", false
	}
	word := trimBlanks(rest)
	if isPlain(word) {
		return word, word != "" // fast path for the usual case
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

// isPlain reports whether s can be the name in a header without quotes or escapes.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; isShellBlank(c) || c == '"' || c == '\'' || c == '\\' {
			return false
		}
	}
	return true
}

func isShellBlank(b byte) bool { return b == ' ' || b == '\t' || b == '\r' || b == '\n' }

// splitWords splits a text as a POSIX shell does. The AWS CLI reads headers in the same way, with
// Python's shlex.split. Single quotes preserve all characters. In double quotes, a backslash
// escapes a double quote or a backslash. splitWords returns false if a quote is not closed or if
// nothing follows a backslash.
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

// readQuoted reads s up to the closing quote, and adds the text before that quote to the builder. It returns the
// number of bytes that it read, including the closing quote. It returns false if there is no closing quote.
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

// writeSection returns the config file header of a section.
func writeSection(kind sectionKind, name string) string {
	for _, k := range keywords {
		if k.kind == kind && kind != profileSection {
			return headerOf(k.word, name)
		}
	}
	return writeHeader(name)
}

// writeHeader returns the config file header of the profile.
func writeHeader(name string) string {
	if name == defaultName {
		return "[" + defaultName + "]"
	}
	return headerOf("profile", name)
}

// headerOf returns the config file header that consists of the keyword and the name.
func headerOf(word, name string) string {
	if !isPlain(name) {
		name = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
	}
	return "[" + word + " " + name + "]"
}
