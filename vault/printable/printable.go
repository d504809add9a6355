// Package printable quotes and escapes text that comes from outside, so that the text cannot control a terminal.
// Names of profiles, roles and accounts, error messages of servers, and contents of files come from outside.
package printable

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// isUnsafe reports whether r is escaped. Control characters, line and paragraph separators, characters that change
// the writing direction, and three invisible characters are escaped. Joiners are invisible too, but are not
// escaped, because emoji and the letters of some scripts need them.
func isUnsafe(r rune) bool {
	const zeroWidthSpace, wordJoiner, byteOrderMark = 0x200b, 0x2060, 0xfeff
	return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control) ||
		r == zeroWidthSpace || r == wordJoiner || r == byteOrderMark
}

// Is reports whether s can be printed as it is: it is valid UTF-8 and has no unsafe characters.
func Is(s string) bool { return firstUnsafe(s, "") < 0 }

// Text returns s unchanged if [Is] returns true for s. Otherwise it returns the result of [Quote].
func Text(s string) string {
	if Is(s) {
		return s
	}
	return Quote(s)
}

// Quote returns s in double quotes. Unlike %q, it does not escape joiners and blanks such as U+00A0.
func Quote(s string) string {
	return `"` + Line(strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s)) + `"`
}

// Line returns s without unsafe characters, as one line. Each of these characters is replaced with an escape such as
// \u001b, which is also valid in JSON. An invalid byte of UTF-8 is replaced with an escape such as \xff.
func Line(s string) string { return escape(s, "") }

// escape replaces the unsafe characters of s, except the ASCII characters in keep.
func escape(s, keep string) string {
	i := firstUnsafe(s, keep)
	if i < 0 {
		return s
	}
	var b strings.Builder
	for ; i >= 0; i = firstUnsafe(s, keep) {
		b.WriteString(s[:i])
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError {
			fmt.Fprintf(&b, `\x%02x`, s[i])
		} else {
			fmt.Fprintf(&b, `\u%04x`, r) // four digits are enough, because all unsafe characters are below U+10000
		}
		s = s[i+size:]
	}
	b.WriteString(s)
	return b.String()
}

// firstUnsafe returns the index of the first unsafe character or invalid byte of s, or -1 if there is none. It accepts
// the ASCII characters in keep.
func firstUnsafe(s, keep string) int {
	for i := 0; i < len(s); {
		if c := s[i]; ' ' <= c && c <= '~' || c < utf8.RuneSelf && strings.IndexByte(keep, c) >= 0 {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || isUnsafe(r) {
			return i
		}
		i += size
	}
	return -1
}
