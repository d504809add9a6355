package app

import (
	"strings"
	"testing"
)

func TestSessionName(t *testing.T) {
	for user, want := range map[string]string{
		"":                      "aws-vault",
		"alice":                 "aws-vault-alice",
		`CORP\Alice B.`:         "aws-vault-CORP-Alice-B.",
		"jürgen":                "aws-vault-j-rgen",
		strings.Repeat("x", 90): "aws-vault-" + strings.Repeat("x", 54),
	} {
		if got := SessionName(user); got != want {
			t.Errorf("%q: %q, want %q", user, got, want)
		}
	}
}
