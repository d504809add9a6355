package awsapi

import (
	"strings"
	"testing"
)

func TestCleanMakesOnePrintableLine(t *testing.T) {
	c := call{secrets: []string{"EXAMPLE"}}
	for text, want := range map[string]string{
		"a\r\n\tb": "a b", "\x1b[2J\x1b]0;x\x07y": `\u001b[2J\u001b]0;x\u0007y`, "\u202eright\u2028to left": `\u202eright to left`, "\xff": `\xff`,
		" EXAMPLE EXAMPLE ": "**** ****", strings.Repeat("ä", 501): strings.Repeat("ä", 500) + "…",
		"x" + strings.Repeat("ä", 500): "x" + strings.Repeat("ä", 499) + "…",
	} {
		if got := c.clean(text); got != want {
			t.Errorf("clean(%q) = %q, want %q", text, got, want)
		}
	}
}
