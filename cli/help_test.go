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

// helpPage returns the output of the program for these arguments.
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

// helpPages returns all help pages, keyed by command. It gets the list of commands from completion.
func helpPages(t *testing.T) map[string]string {
	pages := map[string]string{"aws-vault": helpPage(t, "--help")}
	home := t.TempDir() // there is no config file with profiles, so completion offers only subcommands
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

// TestHelp compares every help page with the page's golden file. It also checks that no page is wider than 80 columns,
// and that each page ends with examples.
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
			continue // the golden files list the keystores and prompt drivers of Linux
		}
		if name != "aws-vault" && strings.LastIndex(page, "\nExamples:\n") < strings.LastIndex(page, "\n\n") {
			t.Errorf("%s: the page does not end with examples", name)
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

// TestManualPage checks that the man page contains every command and its examples, and that groff accepts the man page.
func TestManualPage(t *testing.T) {
	page := helpPage(t, "--help-man")
	for command := range helpPages(t) {
		if command != "aws-vault" && !strings.Contains(page, ".SS "+strings.ReplaceAll(command, "-", `\-`)) {
			t.Errorf("the man page does not describe %s", command)
		}
	}
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skipf("groff is not installed: %v", err)
	}
	c := exec.Command(groff, "-man", "-ww", "-Tutf8", "-P-cbou") // -P-cbou turns off bold and underlined text
	c.Stdin = strings.NewReader(page)
	var complaints strings.Builder
	c.Stderr = &complaints
	text, err := c.Output()
	if err != nil || complaints.Len() > 0 {
		t.Errorf("groff: %v\n%s", err, complaints.String())
	}
	for _, want := range []string{"exec [FLAGS] [PROFILE] [COMMAND...]", "--no-session", "AWS_VAULT_BACKEND", "~/.aws/config", "aws-vault exec prod -- aws s3 ls", "COMMANDS: KEYSTORES"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the formatted man page does not contain %q", want)
		}
	}
}
