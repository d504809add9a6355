//go:build unix

package cli_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// shells lists the shells that support completion. The setup of each shell loads the completion script, sets a fixed
// prompt, and defines a completion for the program "tool".
var shells = []struct {
	name  string
	argv  []string
	setup string
}{
	{"bash", []string{"--norc", "--noprofile", "-i"}, `PS1='REA''DY> '
eval "$(aws-vault --completion-script-bash)"
_tool() { COMPREPLY=($(compgen -W 'fetch forget' -- "$2")); }
complete -F _tool tool
`},
	{"zsh", []string{"-f", "-i"}, `PROMPT='REA''DY> '
autoload -U compinit && compinit -u -D
bindkey -e
eval "$(aws-vault --completion-script-zsh)"
_tool() { compadd fetch forget }
compdef _tool tool
`},
	{"fish", []string{"--no-config", "-i"}, `aws-vault --completion-script-fish | source
complete -c tool -f -a 'fetch forget'
function fish_prompt; echo -n 'REA''DY> '; end
`},
}

// TestShells presses the tab key in real shells. To see the completed line, the test presses Ctrl-A and types printf at
// the beginning of the line, so that the shell prints the words of the line.
func TestShells(t *testing.T) {
	for _, sh := range shells {
		t.Run(sh.name, func(t *testing.T) {
			path, err := exec.LookPath(sh.name)
			if err != nil {
				t.Skipf("%s is not installed: %v", sh.name, err)
			}
			s := startShell(t, path, sh.argv, sh.setup)
			for _, test := range []struct{ typed, want string }{
				{"aws-vault expo\t", "<aws-vault><export>"},
				{"aws-vault exec pro\t", "<aws-vault><exec><production>"},
				{"aws-vault exec production --no-s\t", "<aws-vault><exec><production><--no-session>"},
				{"aws-vault --backend fi\t", "<aws-vault><--backend><file>"},
				{"aws-vault exec x\t", "<aws-vault><exec><x y>"},
				{"aws-vault exec ac\tad\t", "<aws-vault><exec><acme:admin>"},
				{"aws-vault exec acme:\to\t", "<aws-vault><exec><acme:ops>"},
				{"aws-vault exec acme:ad\t", "<aws-vault><exec><acme:admin>"},
				{"aws-vault exec 'acme:ad\t", "<aws-vault><exec><acme:admin>"},
				{"aws-vault exec acme:admin --no-s\t", "<aws-vault><exec><acme:admin><--no-session>"},
				{"aws-vault exec acme:admin -- tool fe\t", "<aws-vault><exec><acme:admin><--><tool><fetch>"},
				{"aws-vault --backend=fi\t", "<aws-vault><--backend=file>"},
				{"aws-vault exec production -- tool fe\t", "<aws-vault><exec><production><--><tool><fetch>"},
				{"aws-vault exec production tool fo\t", "<aws-vault><exec><production><tool><forget>"},
				{"aws-vault exec production -- unusual-co\t", "<aws-vault><exec><production><--><unusual-command>"},
			} {
				if got := s.complete(test.typed); got != test.want {
					t.Errorf("%q was completed to %s, want %s", test.typed, got, test.want)
				}
			}
		})
	}
}

// A shell is a shell program that runs on a terminal.
type shell struct {
	t     *testing.T
	tty   *os.File
	seen  chan []byte
	shown bytes.Buffer
}

func startShell(t *testing.T, path string, argv []string, setup string) *shell {
	t.Helper()
	home := completionHome(t, "[profile production]\n[profile \"x y\"]\n[profile test]\n[profile acme:admin]\n[profile acme:ops]\n")
	bin := filepath.Join(home, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(os.Args[0], filepath.Join(bin, "aws-vault")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tool", "unusual-command"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command(path, argv...)
	c.Dir = home
	c.Env = []string{
		programVariable + "=1", "HOME=" + home, "XDG_CONFIG_HOME=" + home, "PATH=" + bin + ":/usr/bin:/bin", "TERM=xterm", "LC_ALL=C.UTF-8",
		"GOCOVERDIR=" + os.Getenv("GOCOVERDIR"), quickRace,
	}
	s := onTerminal(t, c)
	file := filepath.Join(home, "setup")
	if err := os.WriteFile(file, []byte(setup), 0o600); err != nil {
		t.Fatal(err)
	}
	s.press("source ./setup\r")
	s.await("READY> ")
	return s
}

// onTerminal starts a program on a new terminal.
func onTerminal(t *testing.T, c *exec.Cmd) *shell {
	t.Helper()
	tty, err := pty.StartWithSize(c, &pty.Winsize{Rows: 40, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	s := &shell{t: t, tty: tty, seen: make(chan []byte, 64)}
	t.Cleanup(func() {
		tty.Close()
		c.Process.Kill()
		c.Wait()
	})
	go func() {
		for {
			block := make([]byte, 4096)
			n, err := tty.Read(block)
			s.seen <- block[:n]
			if err != nil {
				close(s.seen)
				return
			}
		}
	}()
	return s
}

func (s *shell) press(keys string) {
	if _, err := s.tty.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// await waits until the parameter text is on the terminal. It returns the output before the text.
func (s *shell) await(text string) string {
	s.t.Helper()
	deadline := time.After(20 * time.Second)
	for !strings.Contains(s.shown.String(), text) {
		select {
		case b, ok := <-s.seen:
			if !ok {
				s.t.Fatalf("the shell has ended: %q", s.shown.String())
			}
			s.shown.Write(b)
		case <-deadline:
			s.t.Fatalf("the terminal shows %q, want %q", s.shown.String(), text)
		}
	}
	before, after, _ := strings.Cut(s.shown.String(), text)
	s.shown.Reset()
	s.shown.WriteString(after)
	return before
}

// complete types the keys in typed, which include the tab key, and returns the words of the completed line.
func (s *shell) complete(typed string) string {
	s.t.Helper()
	const ctrlA, ctrlE = "\x01", "\x05"
	s.press(typed + ctrlA + `printf 'BE''GIN'; printf '<%s>' ` + ctrlE + `; printf 'E''ND'` + "\r")
	s.await("BEGIN")
	words := s.await("END")
	s.await("READY> ")
	return words
}
