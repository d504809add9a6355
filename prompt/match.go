package prompt

import (
	"slices"
	"strings"
	"unicode"
)

// How well a name fits what was typed, the best first.
const (
	begins = iota
	beginsWord
	holds
	scattered // its letters are there, in their order
	misfit
)

// match returns the names that fit what was typed, the ones that fit best first and
// otherwise in their order. Words between blanks fit one by one, in any order.
func match(names []string, typed string) []string {
	words := strings.Fields(strings.ToLower(typed))
	var fitting [misfit][]string
	for _, name := range names {
		worst := begins
		lower := strings.ToLower(name)
		for _, w := range words {
			worst = max(worst, fit(lower, w))
		}
		if worst < misfit {
			fitting[worst] = append(fitting[worst], name)
		}
	}
	return slices.Concat(fitting[:]...)
}

func fit(name, word string) int {
	at := strings.Index(name, word)
	switch {
	case at == 0:
		return begins
	case at > 0 && startsWord(name, word):
		return beginsWord
	case at > 0:
		return holds
	case isScattered(name, word):
		return scattered
	}
	return misfit
}

// startsWord reports whether word stands somewhere in name behind what is no letter or digit.
func startsWord(name, word string) bool {
	for i, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && strings.HasPrefix(name[i+len(string(r)):], word) {
			return true
		}
	}
	return false
}

func isScattered(name, word string) bool {
	rest := []rune(word)
	for _, r := range name {
		if len(rest) > 0 && r == rest[0] {
			rest = rest[1:]
		}
	}
	return len(rest) == 0
}
