package ui

import (
	"fmt"
	"strings"
)

// safe contains the characters that have no special meaning in any shell.
const safe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.,:/+=@"

func isSafe(s string) bool { return strings.Trim(s, safe) == "" }

// PosixQuote quotes a word for POSIX shells, or returns the word unchanged if it needs no quotes. It never fails.
func PosixQuote(s string) (string, error) {
	if isSafe(s) {
		return s, nil
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'", nil
}

// FishQuote quotes a word for fish. It never fails.
func FishQuote(s string) (string, error) {
	if isSafe(s) {
		return s, nil
	}
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'", nil
}

// PowershellQuote quotes a word for PowerShell. It never fails.
func PowershellQuote(s string) (string, error) {
	return "'" + strings.ReplaceAll(s, "'", "''") + "'", nil
}

// CmdQuote returns a value unchanged, for use inside double quotes in a command line of cmd.exe. It fails if the
// value contains a character that cmd.exe cannot quote.
func CmdQuote(s string) (string, error) {
	if strings.ContainsAny(s, "\"%!\r\n") {
		return "", fmt.Errorf("the value contains a character that cmd.exe cannot quote")
	}
	return s, nil
}

// QuoteWord quotes a word for a POSIX shell. Hints and notes use it when they print commands.
func QuoteWord(s string) string {
	q, _ := PosixQuote(s)
	return q
}
