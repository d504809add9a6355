package setup

import "strings"

// processWord writes a word for those who split a line as Windows does.
func processWord(word string, always bool) (string, bool) {
	switch {
	case strings.ContainsFunc(word, func(r rune) bool { return r < ' ' || r == '"' || r == '%' }):
		return "", false
	case !always && !strings.ContainsAny(word, " &|<>^()'"):
		return word, true
	}
	return `"` + word + `"`, true
}
