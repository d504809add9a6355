package profile

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ValueError says that a setting has a value that it cannot have.
type ValueError struct {
	Origin  Origin
	Setting string
	Found   string // shortened; empty where it could be a secret
	Want    string
}

func (e *ValueError) Error() string {
	found := "malformed"
	if e.Found != "" {
		found = strconv.Quote(e.Found)
	}
	return fmt.Sprintf("%s is %s, want %s", e.Origin.subject(e.Setting), found, e.Want)
}

// SyntaxError says that a line, or the whole file, is not in the format of a config file.
// Found describes the line and does not repeat it: it could be half a secret.
type SyntaxError struct {
	Origin Origin
	Found  string
	Want   string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s: found %s, want %s", e.Origin, e.Found, e.Want)
}

// LoopError says that profiles name each other in a circle.
type LoopError struct {
	Setting string   // source_profile or include_profile
	Names   []string // the circle; its first name stands again at its end
	Origin  Origin   // of the value that closes the circle
}

func (e *LoopError) Error() string {
	names := make([]string, len(e.Names))
	for i, n := range e.Names {
		names[i] = bare(n)
	}
	return fmt.Sprintf("%s makes a loop: %s", e.Origin.subject(e.Setting), strings.Join(names, " → "))
}

// MissingError says that a setting names a profile or section that does not exist.
type MissingError struct {
	Origin  Origin
	Setting string
	Name    string   // shortened
	Near    []string // names that do exist and are much like it, best first
}

func (e *MissingError) Error() string {
	want := "the name of a profile"
	switch e.Setting {
	case "sso_session":
		want = "the name of an sso-session section"
	case "oidc_session":
		want = "the name of an oidc-session section"
	case signedIdentity:
		want = "the name of an identity section"
	case "services":
		want = "the name of a services section"
	}
	if len(e.Near) > 0 {
		want += ", such as " + bare(e.Near[0])
	}
	return fmt.Sprintf("%s is %s, want %s", e.Origin.subject(e.Setting), strconv.Quote(e.Name), want)
}

// bare returns a name for a message, in quotes only where it has characters that could do
// something to a terminal.
func bare(s string) string {
	s = shorten(s)
	if q := strconv.Quote(s); q != `"`+s+`"` {
		return q
	}
	return s
}

// shorten keeps what a message repeats of a file to part of one line. The lines that go on with a
// value are left out: one that stands too deep by mistake may be anything, a secret too.
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
