package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"
)

// helpPage is what the program says of itself.
func helpPage(t *testing.T, args ...string) string {
	t.Helper()
	c := exec.Command(os.Args[0], args...)
	c.Env = []string{programVariable + "=1", "HOME=" + t.TempDir(), "GOCOVERDIR=" + os.Getenv("GOCOVERDIR"), quickRace}
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return string(out)
}

// helpPages are all pages, by their commands.
func helpPages(t *testing.T) map[string]string {
	pages := map[string]string{"aws-vault": helpPage(t, "--help")}
	home := t.TempDir() // without profiles, what completes a command are its own
	var add func(words []string)
	add = func(words []string) {
		commands, _ := complete(t, home, append(words[:len(words):len(words)], "")...)
		for _, c := range commands {
			command := append(words[:len(words):len(words)], c)
			pages[strings.Join(command, " ")] = helpPage(t, append(command, "--help")...)
			add(command)
		}
	}
	add(nil)
	return pages
}

// TestHelp compares every page of help to the one that was looked at last, and sees that it
// fits a terminal.
func TestHelp(t *testing.T) {
	pages := helpPages(t)
	if len(pages) < 12 {
		t.Fatalf("only %d pages", len(pages))
	}
	for name, page := range pages {
		for line := range strings.Lines(page) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
				t.Errorf("%s: a line has %d characters, want at most 80: %s", name, n, line)
			}
		}
		if runtime.GOOS != "linux" {
			continue // each system has keystores and ways to ask of its own
		}
		golden := filepath.Join("testdata", "help", strings.ReplaceAll(name, " ", "-")+".txt")
		want, err := os.ReadFile(golden)
		switch {
		case *update:
			if err := os.WriteFile(golden, []byte(page), 0o644); err != nil {
				t.Fatal(err)
			}
		case err != nil || string(want) != page:
			t.Errorf("%s differs from %s (%v): go test ./cli -run Help -update\n%s", name, golden, err, page)
		}
	}
}

// The manual page says what the help pages say, and man has nothing against it.
func TestManualPage(t *testing.T) {
	page := helpPage(t, "--help-man")
	for command := range helpPages(t) {
		if command != "aws-vault" && !strings.Contains(page, ".SS "+strings.ReplaceAll(command, "-", `\-`)) {
			t.Errorf("the manual page has no %s", command)
		}
	}
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skipf("groff is not here: %v", err)
	}
	c := exec.Command(groff, "-man", "-ww", "-Tutf8", "-P-cbou") // without overstriking
	c.Stdin = strings.NewReader(page)
	var complaints strings.Builder
	c.Stderr = &complaints
	text, err := c.Output()
	if err != nil || complaints.Len() > 0 {
		t.Errorf("groff: %v\n%s", err, complaints.String())
	}
	for _, want := range []string{"exec [FLAGS] [PROFILE] [COMMAND...]", "--no-session", "AWS_VAULT_BACKEND", "~/.aws/config"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page as it is shown does not say %q", want)
		}
	}
}
