package ui

import (
	"fmt"
	"strings"
)

// safe are the characters that no shell gives a meaning to within a word.
const safe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.,:/+=@"

func isSafe(s string) bool { return strings.Trim(s, safe) == "" }

// PosixQuote leaves a value bare where it can.
func PosixQuote(s string) (string, error) {
	if isSafe(s) {
		return s, nil
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'", nil
}

func FishQuote(s string) (string, error) {
	if isSafe(s) {
		return s, nil
	}
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'", nil
}

func PowershellQuote(s string) (string, error) {
	return "'" + strings.ReplaceAll(s, "'", "''") + "'", nil
}

// CmdQuote refuses what cmd.exe cannot keep from being read as something else.
func CmdQuote(s string) (string, error) {
	if strings.ContainsAny(s, "\"%!\r\n") {
		return "", fmt.Errorf("the value has a character that cmd.exe cannot quote")
	}
	return s, nil
}

// QuoteWord quotes a word for a hint that a user may copy.
func QuoteWord(s string) string {
	q, _ := PosixQuote(s)
	return q
}
