package prompt

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"aws-vault/vault/printable"
)

func TestShown(t *testing.T) {
	for s, want := range map[string]string{
		"MFA code for alice":       "MFA code for alice",
		"a\x1b[2Jb":                `a\u001b[2Jb`,
		"a\nb\tc\r":                "a b c ",
		"a\u202eb\u200bc\u009b1m":  `a\u202eb\u200bc\u009b1m`,
		"a\xffb":                   "a�b",
		"👩\u200d💻":                 "👩\u200d💻",
		strings.Repeat("é", 301):   strings.Repeat("é", 300) + "…",
		strings.Repeat("é", 300):   strings.Repeat("é", 300),
		"arn:aws:iam::1:mfa/用户-éλ": "arn:aws:iam::1:mfa/用户-éλ",
	} {
		if got := sanitize(s); got != want {
			t.Errorf("%q is sanitized to %q, want %q", s, got, want)
		}
	}
}

func FuzzShown(f *testing.F) {
	f.Add("a\x1b[2J\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := sanitize(s)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > maxLineLength+1 ||
			!printable.Is(got) {
			t.Errorf("%q is sanitized to %q", s, got)
		}
		if again := sanitize(strings.TrimSuffix(got, "…")); again != strings.TrimSuffix(got, "…") {
			t.Errorf("%q is sanitized to %q, and that to %q", s, got, again)
		}
	})
}

func TestMessage(t *testing.T) {
	for _, c := range []struct {
		r    Request
		want []string
	}{
		{Request{Text: "question"}, []string{"question"}},
		{Request{Text: "question", RetryReason: "why", Program: "terraform"}, []string{"why", "requested by terraform", "question"}},
		{Request{Kind: Code, Device: "mfa/alice", Profile: "prod"}, []string{"code for mfa/alice to use profile prod"}},
		{Request{Kind: Kind(9)}, []string{"unknown kind"}},
		{Request{Kind: Confirm}, []string{"confirmation"}},
	} {
		if got := strings.Split(c.r.message(), "\n"); !slices.Equal(got, c.want) {
			t.Errorf("the message of %+v is %q, want %q", c.r, got, c.want)
		}
	}
}
