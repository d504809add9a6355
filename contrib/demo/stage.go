package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A stage runs the demo's commands and prints them with their output, as a terminal would. After the first
// failure, the stage stores the error in the field err. It then runs no more commands and prints nothing more.
type stage struct {
	ctx     context.Context
	out     io.Writer
	program string
	home    string
	environ []string
	err     error
}

// A step is one run of aws-vault.
type step struct {
	args  []string
	stdin string
	from  string // describes the input, and is printed after the command; empty if there is no input
}

// remark prints remarks, each on its own line.
func (s *stage) remark(remarks ...string) {
	s.line("")
	for _, r := range remarks {
		s.line("# " + r)
	}
}

// echo prints a command as a user would type it.
func (s *stage) echo(command string) { s.line("$ " + command) }

func (s *stage) line(text string) {
	if s.err == nil {
		_, s.err = fmt.Fprintln(s.out, text)
	}
}

// write writes a file in the home directory and prints the file's contents.
func (s *stage) write(name, text string) {
	s.echo("cat ~/" + filepath.ToSlash(name))
	s.line(strings.TrimSuffix(text, "\n"))
	if s.err != nil {
		return
	}
	path := filepath.Join(s.home, name)
	if s.err = os.MkdirAll(filepath.Dir(path), 0o700); s.err == nil {
		s.err = os.WriteFile(path, []byte(text), 0o600)
	}
}

// run runs a step and prints its command and output.
func (s *stage) run(st step) {
	typed := typedLine(st.args)
	if st.from != "" {
		typed += "   # " + st.from
	}
	s.echo(typed)
	if s.err != nil {
		return
	}
	c := s.command(st.args)
	c.Stdin = strings.NewReader(st.stdin)
	text, err := c.CombinedOutput()
	s.show(text, err, st.args)
}

// ask runs a command that prompts for an MFA code, and answers the prompt.
func (s *stage) ask(args []string, code func() string) {
	s.echo(typedLine(args))
	if s.err != nil {
		return
	}
	text, err := runAndAnswer(s.command, args, code)
	s.show(text, err, args)
}

func (s *stage) show(text []byte, err error, args []string) {
	if len(text) > 0 {
		s.line(strings.TrimSuffix(shorten(string(text)), "\n"))
	}
	if err != nil && s.err == nil {
		s.err = fmt.Errorf("aws-vault %s: %w", args[0], err)
	}
}

func (s *stage) command(args []string) *exec.Cmd {
	c := exec.CommandContext(s.ctx, s.program, args...)
	c.Env, c.Dir = s.environ, s.home
	return c
}

// value returns the value of an environment variable that the commands receive.
func (s *stage) value(name string) string {
	for _, kv := range s.environ {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}

// inherited are the environment variables that commands inherit because they cannot run without them. All other
// variables are removed, so that the user's own credentials and settings have no effect on the demo.
var inherited = []string{"PATH", "TERM", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "COMSPEC", "PATHEXT"}

func environ(home, endpoint string) []string {
	env := []string{
		"HOME=" + home, "USERPROFILE=" + home, "LOCALAPPDATA=" + filepath.Join(home, "AppData"),
		"USER=alice", "USERNAME=alice",
		"AWS_ENDPOINT_URL=" + endpoint, "AWS_VAULT_BACKEND=file", "AWS_VAULT_FILE_PASSPHRASE=correct-horse",
	}
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if slices.Contains(inherited, strings.ToUpper(name)) {
			env = append(env, kv)
		}
	}
	return env
}

// typedLine returns the command line that a user would type to run aws-vault with these arguments.
func typedLine(args []string) string {
	words := []string{"aws-vault"}
	for _, arg := range args {
		if strings.ContainsAny(arg, " |;^&") {
			arg = "'" + arg + "'"
		}
		words = append(words, arg)
	}
	return strings.Join(words, " ")
}

// longWord matches secrets and tokens. Names, numbers and ARNs are shorter or contain other characters.
var longWord = regexp.MustCompile(`[A-Za-z0-9+/]{36,}[A-Za-z0-9+/=]*`)

// shorten shortens secrets and tokens in text, because they would fill the screen.
func shorten(text string) string {
	return longWord.ReplaceAllStringFunc(text, func(s string) string { return s[:16] + "…" })
}

// plain replaces the line ends of a terminal (CR LF) with LF.
func plain(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")) }
