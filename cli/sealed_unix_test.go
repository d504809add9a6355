//go:build unix

package cli_test

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"filippo.io/age/plugin"
	"github.com/creack/pty"
)

// A dialog is a run of the program on a terminal, in which the test answers the program's prompts.
type dialog struct {
	t    *testing.T
	cmd  *exec.Cmd
	tty  *os.File
	seen bytes.Buffer
	out  bytes.Buffer // stdout, which is not a terminal
	read chan []byte
}

func startDialog(t *testing.T, dir string, args ...string) *dialog {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	d := &dialog{t: t, cmd: exec.Command(self, args...), read: make(chan []byte, 64)}
	d.cmd.Env = []string{programVariable + "=1", "HOME=" + dir, "PATH=" + os.Getenv("PATH"), "AWS_VAULT_BACKEND=sealed", quickRace, "GOCOVERDIR=" + os.Getenv("GOCOVERDIR")}
	d.cmd.Stdout = &d.out
	if d.tty, err = pty.StartWithSize(d.cmd, &pty.Winsize{Rows: 40, Cols: 200}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.tty.Close() })
	go func() {
		defer close(d.read)
		for {
			buf := make([]byte, 4096)
			n, err := d.tty.Read(buf)
			if n > 0 {
				d.read <- buf[:n]
			}
			if err != nil {
				return
			}
		}
	}()
	return d
}

// answer waits for the prompt with this question, and then types a line.
func (d *dialog) answer(question, line string) {
	d.t.Helper()
	d.expect(question)
	if _, err := d.tty.WriteString(line + "\r"); err != nil {
		d.t.Fatal(err)
	}
}

// expect waits until the terminal shows a text, and returns the output before the text.
func (d *dialog) expect(text string) string {
	d.t.Helper()
	late := time.After(time.Minute)
	for {
		if before, after, ok := strings.Cut(d.seen.String(), text); ok {
			d.seen.Reset()
			d.seen.WriteString(after)
			return before
		}
		select {
		case more, ok := <-d.read:
			if !ok {
				d.t.Fatalf("the terminal shows %q, want %q", d.seen.String(), text)
			}
			d.seen.Write(more)
		case <-late:
			d.cmd.Process.Kill()
			d.t.Fatalf("the terminal shows %q for long, want %q", d.seen.String(), text)
		}
	}
}

// wait waits until the program ends, and returns its stdout. The argument ok states whether the program must
// succeed.
func (d *dialog) wait(ok bool) string {
	d.t.Helper()
	err := d.cmd.Wait()
	if (err == nil) != ok {
		for more := range d.read {
			d.seen.Write(more)
		}
		d.t.Fatalf("ended with %v; the terminal shows %q", err, d.seen.String())
	}
	return d.out.String()
}

var shownWord = regexp.MustCompile(`\b\d+ ([a-z]+)`)

// wordsIn returns the 24 recovery words that a text contains.
func wordsIn(t *testing.T, text string) string {
	t.Helper()
	var words []string
	for _, m := range shownWord.FindAllStringSubmatch(text, -1) {
		words = append(words, m[1])
	}
	if len(words) != 24 {
		t.Fatalf("%d words in %q, want 24", len(words), text)
	}
	return strings.Join(words, " ")
}

const typeWords = "Type the words, separated by spaces: "

// TestRecovery creates a keystore that opens with a passphrase or with recovery words. It then uses the words to set a
// new passphrase, and removes the old passphrase.
func TestRecovery(t *testing.T) {
	home := t.TempDir()
	d := startDialog(t, home, "sealed", "init")
	d.answer("New passphrase for ~/.local/share/aws-vault/sealed: ", "horse battery")
	d.answer("(again): ", "horse battery")
	words := wordsIn(t, d.expect(typeWords))
	d.tty.WriteString(strings.Replace(words, " ", " zoo ", 1) + "\r")
	d.expect("found 25 words, expected 24")
	d.answer(typeWords, words)
	d.expect("\x1b[?1049l") // this closes the alternate screen, on which the words were shown
	if out := d.wait(true); !strings.Contains(out, "Openers: passphrase, recovery.") || strings.Contains(out, words) {
		t.Errorf("printed %q", out)
	}

	d = startDialog(t, home, "sealed", "recover")
	d.answer("Recovery words of recovery: ", strings.ToUpper(words))
	d.answer("New passphrase for ", "battery staple")
	d.answer("(again): ", "battery staple")
	d.wait(true)

	d = startDialog(t, home, "sealed", "check")
	d.answer("Passphrase to unlock ", "nonsense")
	d.expect("That passphrase is wrong")
	d.answer("Passphrase to unlock ", "battery staple")
	if out := d.wait(true); !strings.Contains(out, "The keystore has 3 openers.") {
		t.Errorf("printed %q", out)
	}

	d = startDialog(t, home, "sealed", "remove", "passphrase")
	d.answer("type its name: ", "passphrase")
	d.answer("Passphrase to unlock ", "battery staple")
	if out := d.wait(true); !strings.Contains(out, "Removed opener passphrase. All items are encrypted with a new key for 2 openers.") {
		t.Errorf("printed %q", out)
	}

	for path := range filesBelow(t, home) {
		if data, err := os.ReadFile(path); err != nil || strings.Contains(string(data), strings.Fields(words)[0]+" "+strings.Fields(words)[1]) {
			t.Errorf("%s contains the recovery words (%v)", path, err)
		}
	}
}

// TestInterruptedPlugin sends a signal only to aws-vault, while aws-vault prompts for an age plugin. The prompt and
// aws-vault must end.
func TestInterruptedPlugin(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "age-plugin-fake")
	script := fmt.Sprintf("#!/bin/sh\nunset %s\n%s=%s/uses exec %s \"$@\"\n", programVariable, pluginVariable, dir, link)
	if err := cmp.Or(os.Symlink(self, link), os.WriteFile(filepath.Join(dir, "age-plugin-fake"), []byte(script), 0o700)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	startDialog(t, dir, "sealed", "init", "--without-recovery", "--recipient="+fakeRecipient(),
		"--identity="+plugin.EncodeIdentity("fake", []byte(askingKey))).wait(true)
	d := startDialog(t, dir, "sealed", "check")
	d.expect("PIN of the fake key: ")
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	d.expect("aws-vault: error: ")
	d.wait(false)
	if status := d.cmd.ProcessState.ExitCode(); status != 130 {
		t.Errorf("the exit status is %d, want 130", status)
	}
}

func filesBelow(t *testing.T, dir string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			all[path] = true
		}
		return err
	})
	if err != nil || len(all) == 0 {
		t.Fatal(len(all), err)
	}
	return all
}

// TestWordsNotTypedBack types wrong recovery words three times. The program must not create a keystore.
func TestWordsNotTypedBack(t *testing.T) {
	home := t.TempDir()
	d := startDialog(t, home, "sealed", "init")
	d.answer("New passphrase for ", "horse battery")
	d.answer("(again): ", "horse battery")
	other := strings.Repeat("zoo ", 23) + "vote"
	for range 3 {
		d.answer(typeWords, other)
	}
	d.expect("the words were not typed correctly; nothing was changed")
	d.wait(false)
	if entries, err := os.ReadDir(filepath.Join(home, ".local/share/aws-vault/sealed")); err == nil {
		t.Errorf("a keystore was created: %v", entries)
	}
}
