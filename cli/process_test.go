package cli

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
)

func TestShell(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the lines are a POSIX shell's")
	}
	for _, tt := range []struct{ name, line, want, err string }{
		{"answer", `printf "%s" "$X y"`, "x y", ""},
		{"stdin is not ours", "cat </dev/null", "", ""},
		{"failure", "exit 3", "", "exit status 3"},
		{"too much", "head -c 200 /dev/zero", "", "it printed more than 100 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := shell(t.Context(), nil, tt.line, append(os.Environ(), "X=x"), 100)
			if string(out) != tt.want || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
				t.Errorf("%q, %v", out, err)
			}
		})
	}
}

// A program that does not end is left when its caller gives up.
func TestShellIsLeft(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the lines are a POSIX shell's")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	gaveUp := errors.New("gave up")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	stderr := os.Stderr
	os.Stderr = write // the program says there that it runs
	defer func() { os.Stderr = stderr }()
	go func() {
		read.Read(make([]byte, 1))
		cancel(gaveUp)
	}()
	if _, err := shell(ctx, nil, "echo running >&2; exec sleep 60", os.Environ(), 100); !errors.Is(err, gaveUp) {
		t.Errorf("error %v, want the cause", err)
	}
	write.Close()
}

func TestSessionName(t *testing.T) {
	for user, want := range map[string]string{
		"":                      "aws-vault",
		"alice":                 "aws-vault-alice",
		`CORP\Alice B.`:         "aws-vault-CORP-Alice-B.",
		"jürgen":                "aws-vault-j-rgen",
		strings.Repeat("x", 90): "aws-vault-" + strings.Repeat("x", 54),
	} {
		if got := sessionName(user); got != want {
			t.Errorf("%q: %q, want %q", user, got, want)
		}
	}
}

func TestCheckKey(t *testing.T) {
	const id, secret = "AKIAIOSFODNN7EXAMPLE", "EXAMPLEKEY/EXAMPLEKEY/EXAMPLEKEY/EXAMPLE"
	for _, tt := range []struct {
		name, input string
		ok          bool
	}{
		{"lines", id + "\n" + secret + "\n", true},
		{"CRLF", id + "\r\n" + secret + "\r\n", true},
		{"JSON", `{"AccessKey":{"AccessKeyId":"` + id + `","SecretAccessKey":"` + secret + `"}}`, true},
		{"other JSON", `{"AccessKeyId":"` + id + `"}`, false},
		{"one line", id, false},
		{"three lines", id + "\n" + secret + "\n" + secret, false},
		{"swapped", secret + "\n" + id, false},
		{"twice the id", id + "\n" + id, false},
		{"temporary", "ASIAIOSFODNN7EXAMPLE\n" + secret, false},
		{"short secret", id + "\nshort", false},
		{"short id", "AKIA\n" + secret, false},
		{"letters", "AKIAIOSFODNN7EXÄMPLE\n" + secret, false},
		{"nothing", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key, err := readKey(strings.NewReader(tt.input))
			if err == nil {
				err = checkKey(key)
			}
			if (err == nil) != tt.ok {
				t.Errorf("error %v, want one: %v", err, !tt.ok)
			}
			if err != nil && (strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "Ä")) {
				t.Errorf("an error shows what was typed: %v", err)
			}
		})
	}
}

// A shell reads back what was quoted for it; the scripts try real ones.
func TestQuoting(t *testing.T) {
	for _, tt := range []struct{ text, posix, fish, powershell string }{
		{"plain/+=", "plain/+=", "plain/+=", "'plain/+='"},
		{"", "", "", "''"},
		{"a b", "'a b'", "'a b'", "'a b'"},
		{`it's $x \ "`, `'it'\''s $x \ "'`, `'it\'s $x \\ "'`, `'it''s $x \ "'`},
	} {
		for _, q := range []struct {
			name  string
			quote func(string) (string, error)
			want  string
		}{{"posix", posixQuote, tt.posix}, {"fish", fishQuote, tt.fish}, {"powershell", powershellQuote, tt.powershell}} {
			if got, err := q.quote(tt.text); err != nil || got != q.want {
				t.Errorf("%s quotes %q as %q, %v, want %q", q.name, tt.text, got, err, q.want)
			}
		}
	}
	if _, err := cmdQuote("100%"); err == nil {
		t.Error("cmd.exe would fill in what stands between percent signs")
	}
}
