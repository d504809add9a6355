package profile

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"aws-vault/vault/printable"
)

// ValueError reports an invalid value of a setting.
type ValueError struct {
	Origin  Origin
	Setting string
	Found   string // the value, shortened; empty if it may be a secret
	Want    string
}

func (e *ValueError) Error() string {
	found := "malformed"
	if e.Found != "" {
		found = printable.Quote(e.Found)
	}
	return fmt.Sprintf("%s is %s, expected %s", e.Origin.subject(e.Setting), found, e.Want)
}

// SyntaxError reports a line or a whole file that is not in the format of a config file. Found
// describes the line without repeating it, because the line may contain part of a secret.
type SyntaxError struct {
	Origin Origin
	Found  string
	Want   string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s: found %s, expected %s", e.Origin, e.Found, e.Want)
}

// LoopError reports profiles that refer to each other in a loop.
type LoopError struct {
	Setting string   // source_profile or include_profile
	Names   []string // names of the profiles in the loop; the first name is repeated at the end
	Origin  Origin   // the place of the setting that closes the loop
}

func (e *LoopError) Error() string {
	names := make([]string, len(e.Names))
	for i, n := range e.Names {
		names[i] = quoteUnsafe(n)
	}
	return fmt.Sprintf("%s refers back to the same profile: %s", e.Origin.subject(e.Setting), strings.Join(names, " → "))
}

// MissingError reports a setting that names a profile or section that does not exist.
type MissingError struct {
	Origin  Origin
	Setting string
	Name    string   // the name that does not exist, shortened
	Near    []string // similar names that exist, best match first
}

func (e *MissingError) Error() string {
	want := "the name of an existing profile"
	switch e.Setting {
	case "sso_session":
		want = "the name of an existing sso-session section"
	case "oidc_session":
		want = "the name of an existing oidc-session section"
	case signedIdentity:
		want = "the name of an existing identity section"
	case "services":
		want = "the name of an existing services section"
	}
	if len(e.Near) > 0 {
		want += ", such as " + quoteUnsafe(e.Near[0])
	}
	return fmt.Sprintf("%s is %s, expected %s", e.Origin.subject(e.Setting), printable.Quote(e.Name), want)
}

// quoteUnsafe shortens a name for a message, and quotes the name if it cannot be printed as it is.
func quoteUnsafe(s string) string { return printable.Text(shorten(s)) }

// shorten returns the first line of a text for a message, cut to 80 bytes. It drops continuation lines: a key that
// is indented by mistake becomes a continuation line, and may be a secret.
func shorten(s string) string {
	const most = 80
	first, _, more := strings.Cut(s, "\n")
	if len(first) <= most {
		if more {
			return first + "…"
		}
		return first
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(first[cut]) {
		cut--
	}
	return first[:cut] + "…"
}
