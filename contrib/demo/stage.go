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

// A stage runs commands and shows them as a terminal would. After a failure it does no
// more, and keeps the error.
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
	from  string // what the reader is told about stdin
}

// say puts remarks between the commands.
func (s *stage) say(remarks ...string) {
	s.line("")
	for _, r := range remarks {
		s.line("# " + r)
	}
}

// echo shows a command as it would be typed.
func (s *stage) echo(command string) { s.line("$ " + command) }

func (s *stage) line(text string) {
	if s.err == nil {
		_, s.err = fmt.Fprintln(s.out, text)
	}
}

// write writes a file of the home directory and shows it.
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

// run runs a step to its end and shows what it prints.
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

// ask runs a command that asks for an MFA code, and answers.
func (s *stage) ask(args []string, code func() string) {
	s.echo(typedLine(args))
	if s.err != nil {
		return
	}
	text, err := answered(s.command, args, code)
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

// value is a variable of the environment that commands run in.
func (s *stage) value(name string) string {
	for _, kv := range s.environ {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}

// kept are the variables that commands inherit: what a program needs to run at all.
// Without the rest no credentials, settings or markers of the reader's get in.
var kept = []string{"PATH", "TERM", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "COMSPEC", "PATHEXT"}

func environ(home, endpoint string) []string {
	env := []string{
		"HOME=" + home, "USERPROFILE=" + home, "LOCALAPPDATA=" + filepath.Join(home, "AppData"),
		"USER=alice", "USERNAME=alice",
		"AWS_ENDPOINT_URL=" + endpoint, "AWS_VAULT_BACKEND=file", "AWS_VAULT_FILE_PASSPHRASE=correct-horse",
	}
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if slices.Contains(kept, strings.ToUpper(name)) {
			env = append(env, kv)
		}
	}
	return env
}

// typedLine is how a person would type a run of aws-vault.
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

// lengthy is what secrets and tokens look like; names, numbers and ARNs are shorter or
// hold other characters.
var lengthy = regexp.MustCompile(`[A-Za-z0-9+/]{36,}[A-Za-z0-9+/=]*`)

// shorten cuts what nobody reads.
func shorten(text string) string {
	return lengthy.ReplaceAllStringFunc(text, func(s string) string { return s[:16] + "…" })
}

// plain makes what a terminal was sent into lines.
func plain(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")) }
