//go:build unix

package setup

import "strings"

// quoteWord writes a word for those who split a line as a POSIX shell does.
func quoteWord(word string, alwaysQuote bool) (string, bool) {
	switch {
	case strings.ContainsFunc(word, func(r rune) bool { return r < ' ' || r == '\'' }):
		return "", false
	case !alwaysQuote && !strings.ContainsAny(word, " \"$`\\|&;<>()*?[]#~!{}"):
		return word, true
	case strings.ContainsAny(word, "\"$`\\"):
		return "'" + word + "'", true
	}
	return `"` + word + `"`, true
}
