//go:build unix

package setup

import "strings"

// quoteWord quotes a word for programs that split a command line as a POSIX shell does. It returns false if the word
// cannot be quoted.
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
