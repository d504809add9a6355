package printable

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// TestText checks which texts are quoted, and how.
func TestText(t *testing.T) {
	for s, want := range map[string]string{
		"":                       "",
		`a "b" \c`:               `a "b" \c`,
		"Müller 用户 עברית":        "Müller 用户 עברית",
		"می\u200cخواهم":          "می\u200cخواهم",
		"👩\u200d💻 🏳\ufe0f":       "👩\u200d💻 🏳\ufe0f",
		"a\u3000b\u00a0c":        "a\u3000b\u00a0c",
		"a\x1b]0;x\ab":           `"a\u001b]0;x\u0007b"`,
		"a\nb\tc\r":              `"a\nb\tc\r"`,
		"say \"x\\y\"\x7f":       `"say \"x\\y\"\u007f"`,
		"\u009b2J":               `"\u009b2J"`,
		"\u202etxt\u2066":        `"\u202etxt\u2066"`,
		"a\u061cb\u200ec\u2028d": `"a\u061cb\u200ec\u2028d"`,
		"a\u200bb\ufeff":         `"a\u200bb\ufeff"`,
		"a\xffb\xc2":             `"a\xffb\xc2"`,
		"\ufffd":                 "\ufffd",
	} {
		if got := Text(s); got != want {
			t.Errorf("Text(%+q) = %+q, want %+q", s, got, want)
		}
	}
	if got, want := Line("aws \x1b[2J \"x\"\n"), `aws \u001b[2J "x"\u000a`; got != want {
		t.Errorf("Line returns %q, want %q", got, want)
	}
}

// TestWriterSplitsCharacters checks that the writer accepts a text in pieces, even if a piece ends inside a character.
func TestWriterSplitsCharacters(t *testing.T) {
	text := "ä\t用户\n\u009b👩\u200d💻\xffz"
	for size := 1; size < len(text); size++ {
		var got bytes.Buffer
		w := Writer(&got)
		for rest := text; rest != ""; {
			n, err := w.Write([]byte(rest[:min(size, len(rest))]))
			if err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if want := "ä\t用户\n\\u009b👩\u200d💻\\xffz"; got.String() != want {
			t.Errorf("in pieces of %d bytes: got %q, want %q", size, got.String(), want)
		}
	}
}

// TestWriterAllocations checks that the writer costs little for ordinary output.
func TestWriterAllocations(t *testing.T) {
	var out bytes.Buffer
	out.Grow(1 << 20)
	w, line := Writer(&out), []byte(strings.Repeat("an ordinary line\n", 100))
	if n := testing.AllocsPerRun(10, func() { w.Write(line) }); n > 0 {
		t.Errorf("a write has %v allocations, want none", n)
	}
}

// FuzzLine checks that no unsafe character remains, that a text is escaped only once, that Quote can be reversed, and
// that an escaped JSON text has the same value as the original.
func FuzzLine(f *testing.F) {
	f.Add("a\x1b[2J\u202e\xff\u200d\n")
	f.Fuzz(func(t *testing.T, s string) {
		for _, got := range []string{Line(s), Text(s), Quote(s)} {
			if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control) }) {
				t.Errorf("%+q is printed as %+q", s, got)
			}
			if again := Line(got); again != got {
				t.Errorf("%+q is printed as %+q, and that as %+q", s, got, again)
			}
		}
		var back string
		if _, err := fmt.Sscanf(Quote(s), "%q", &back); err != nil || back != s {
			t.Errorf("Quote(%+q) = %s, which is read as %+q, %v", s, Quote(s), back, err)
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var plain, escaped string
		if json.Unmarshal(text, &plain) != nil || json.Unmarshal([]byte(Line(string(text))), &escaped) != nil || plain != escaped {
			t.Errorf("%s has another value after escapes: %s", text, Line(string(text)))
		}
	})
}
