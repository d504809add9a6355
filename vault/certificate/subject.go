package certificate

import (
	"crypto/x509/pkix"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A SubjectError reports an invalid certificate subject.
type SubjectError struct{ Found, Expected string }

func (e *SubjectError) Error() string {
	return fmt.Sprintf("subject: %s, expected %s", e.Found, e.Expected)
}

// ParseSubject reads a subject such as CN=alice,O=Example. The subject must have exactly one CN. In a value, a
// backslash must precede each comma and each backslash. ParseSubject fails with a [*SubjectError].
// https://www.rfc-editor.org/rfc/rfc4514#section-3
func ParseSubject(text string) (pkix.Name, error) {
	var name pkix.Name
	for part := range splitUnescaped(text) {
		key, value, _ := strings.Cut(part, "=")
		if err := setAttribute(&name, strings.ToUpper(strings.TrimSpace(key)), strings.TrimSpace(value)); err != nil {
			return pkix.Name{}, err
		}
	}
	if name.CommonName == "" {
		return pkix.Name{}, &SubjectError{"has no CN", "one such as CN=alice,O=Example"}
	}
	return name, nil
}

func setAttribute(name *pkix.Name, key, value string) error {
	list, one, most := (*[]string)(nil), (*string)(nil), 64
	switch key {
	case "CN":
		one = &name.CommonName
	case "SERIALNUMBER":
		one = &name.SerialNumber
	case "OU":
		list = &name.OrganizationalUnit
	case "O":
		list = &name.Organization
	case "L":
		list, most = &name.Locality, 128
	case "ST":
		list, most = &name.Province, 128
	case "C":
		list, most = &name.Country, 2
	default:
		return &SubjectError{fmt.Sprintf("unknown attribute %.40q", key), "CN, OU, O, L, ST, C or SERIALNUMBER"}
	}
	unprintable := strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar })
	switch n := utf8.RuneCountInString(value); {
	case n == 0 || n > most || unprintable:
		return &SubjectError{fmt.Sprintf("%s is %.80q", key, value), fmt.Sprintf("1 to %d printable characters", most)}
	case list != nil:
		*list = append(*list, value)
	case *one != "":
		return &SubjectError{"has two " + key, "one"}
	default:
		*one = value
	}
	return nil
}

// splitUnescaped yields the parts of text between unescaped commas, and removes the escaping backslashes.
func splitUnescaped(text string) func(func(string) bool) {
	return func(yield func(string) bool) {
		var part strings.Builder
		escaped := false
		for _, r := range text {
			switch {
			case !escaped && r == '\\':
				escaped = true
				continue
			case !escaped && r == ',':
				if !yield(part.String()) {
					return
				}
				part.Reset()
				continue
			}
			escaped = false
			part.WriteRune(r)
		}
		yield(part.String())
	}
}
