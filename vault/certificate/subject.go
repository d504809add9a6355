package certificate

import (
	"crypto/x509/pkix"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A SubjectError is returned for what is no subject.
type SubjectError struct{ Found, Want string }

func (e *SubjectError) Error() string { return fmt.Sprintf("subject: %s, want %s", e.Found, e.Want) }

// Subject reads a name such as CN=alice,O=Example. It has one CN. A comma within a value is
// written \, and a backslash \\. It fails with a [*SubjectError].
// https://www.rfc-editor.org/rfc/rfc4514#section-3
func Subject(text string) (pkix.Name, error) {
	var name pkix.Name
	for part := range split(text) {
		key, value, _ := strings.Cut(part, "=")
		if err := set(&name, strings.ToUpper(strings.TrimSpace(key)), strings.TrimSpace(value)); err != nil {
			return pkix.Name{}, err
		}
	}
	if name.CommonName == "" {
		return pkix.Name{}, &SubjectError{"has no CN", "one such as CN=alice,O=Example"}
	}
	return name, nil
}

func set(name *pkix.Name, key, value string) error {
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
		return &SubjectError{fmt.Sprintf("has %.40q", key), "CN=alice, and perhaps OU, O, L, ST, C or SERIALNUMBER"}
	}
	odd := strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar })
	switch n := utf8.RuneCountInString(value); {
	case n == 0 || n > most || odd:
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

// split yields the parts between commas, with what backslashes hide laid bare.
func split(text string) func(func(string) bool) {
	return func(yield func(string) bool) {
		var part strings.Builder
		hidden := false
		for _, r := range text {
			switch {
			case !hidden && r == '\\':
				hidden = true
				continue
			case !hidden && r == ',':
				if !yield(part.String()) {
					return
				}
				part.Reset()
				continue
			}
			hidden = false
			part.WriteRune(r)
		}
		yield(part.String())
	}
}
