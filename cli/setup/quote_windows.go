package setup

import "strings"

// quoteWord writes a word for those who split a line as Windows does.
func quoteWord(word string, alwaysQuote bool) (string, bool) {
	switch {
	case strings.ContainsFunc(word, func(r rune) bool { return r < ' ' || r == '"' || r == '%' }):
		return "", false
	case !alwaysQuote && !strings.ContainsAny(word, " &|<>^()'"):
		return word, true
	}
	return `"` + word + `"`, true
}
