package prompt

import (
	"slices"
	"strings"
	"unicode"
)

// These values state how well a name matches a typed word. The best match is first.
const (
	prefix = iota
	wordPrefix
	substring
	subsequence // the name has the letters of the word in this order, but not next to each other
	noMatch
)

// match returns the names that match all words of the typed text. The order of the words does not matter. The best
// matches are first. Equally good matches keep their order.
func match(names []string, typed string) []string {
	words := strings.Fields(strings.ToLower(typed))
	var ranked [noMatch][]string
	for _, name := range names {
		worst := prefix
		lower := strings.ToLower(name)
		for _, w := range words {
			worst = max(worst, rank(lower, w))
		}
		if worst < noMatch {
			ranked[worst] = append(ranked[worst], name)
		}
	}
	return slices.Concat(ranked[:]...)
}

func rank(name, word string) int {
	at := strings.Index(name, word)
	switch {
	case at == 0:
		return prefix
	case at > 0 && startsWord(name, word):
		return wordPrefix
	case at > 0:
		return substring
	case isSubsequence(name, word):
		return subsequence
	}
	return noMatch
}

// startsWord reports whether word occurs in name directly after a character that is neither a letter nor a digit.
func startsWord(name, word string) bool {
	for i, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && strings.HasPrefix(name[i+len(string(r)):], word) {
			return true
		}
	}
	return false
}

func isSubsequence(name, word string) bool {
	rest := []rune(word)
	for _, r := range name {
		if len(rest) > 0 && r == rest[0] {
			rest = rest[1:]
		}
	}
	return len(rest) == 0
}
