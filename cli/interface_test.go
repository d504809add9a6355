package cli_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli"
	"aws-vault/vault/profile"
)

// TestInterface compares the commands, flags, arguments, settings and environment variables with
// testdata/interface.txt. Users and their scripts depend on all these names, so no name in the file may be renamed or
// removed.
func TestInterface(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the list is for Linux")
	}
	var b strings.Builder
	model := cli.Model()
	b.WriteString("# Commands, with their arguments and flags\n\n")
	writeFlags(&b, "aws-vault", model.FlagGroupModel)
	writeCommands(&b, model.CmdGroupModel)
	b.WriteString("\n# Sections of the config file\n\n")
	for _, word := range profile.SectionKeywords() {
		fmt.Fprintf(&b, "[%s NAME]\n", word)
	}
	b.WriteString("\n# Settings\n\n")
	for _, s := range profile.Settings() {
		writeSetting(&b, s)
	}
	b.WriteString("\n# Environment variables that the program reads, sets or removes\n\n")
	for _, name := range variableNames(t) {
		b.WriteString(name + "\n")
	}

	golden := filepath.Join("testdata", "interface.txt")
	want, err := os.ReadFile(golden)
	switch {
	case *update:
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	case err != nil:
		t.Fatal(err)
	case string(want) != b.String():
		t.Errorf("the interface differs from %s: go test ./cli -run Interface -update\n%s", golden, difference(string(want), b.String()))
	}
}

func writeCommands(b *strings.Builder, group *kingpin.CmdGroupModel) {
	for _, c := range group.Commands {
		command := "aws-vault " + c.FullCommand
		b.WriteString("\n" + command)
		writeIf(b, len(c.Aliases) > 0, " aliases="+strings.Join(c.Aliases, ","))
		writeIf(b, c.Default, " default")
		writeIf(b, c.Hidden, " hidden")
		b.WriteString("\n")
		for _, a := range c.Args {
			fmt.Fprintf(b, "%s %s", command, a.Name)
			writeValue(b, a.Value, a.Default, a.Envar, a.Required, a.Hidden)
		}
		writeFlags(b, command, c.FlagGroupModel)
		writeCommands(b, c.CmdGroupModel)
	}
}

func writeFlags(b *strings.Builder, command string, group *kingpin.FlagGroupModel) {
	for _, f := range group.Flags {
		fmt.Fprintf(b, "%s --%s", command, f.Name)
		if f.Short != 0 {
			b.WriteString(" -" + string(f.Short))
		}
		writeIf(b, f.PlaceHolder != "", " "+f.PlaceHolder)
		writeValue(b, f.Value, f.Default, f.Envar, f.Required, f.Hidden)
	}
}

func writeValue(b *strings.Builder, v kingpin.Value, defaults []string, variable string, required, hidden bool) {
	flag, ok := v.(interface{ IsBoolFlag() bool })
	writeIf(b, ok && flag.IsBoolFlag(), " bool")
	repeated, ok := v.(interface{ IsCumulative() bool })
	writeIf(b, ok && repeated.IsCumulative(), " repeatable")
	writeIf(b, len(defaults) > 0, " default="+strings.Join(defaults, ","))
	writeIf(b, variable != "", " variable="+variable)
	writeIf(b, required, " required")
	writeIf(b, hidden, " hidden")
	b.WriteString("\n")
}

func writeSetting(b *strings.Builder, s profile.SettingInfo) {
	b.WriteString(s.Name)
	writeIf(b, len(s.Env) > 0, " variables="+strings.Join(s.Env, ","))
	writeIf(b, s.EveryProfile, " every-profile")
	writeIf(b, s.FromDefault, " from-default")
	writeIf(b, !s.InFiles, " not-in-files")
	writeIf(b, s.Secret, " secret")
	b.WriteString("\n")
}

func writeIf(b *strings.Builder, ok bool, text string) {
	if ok {
		b.WriteString(text)
	}
}

// longName matches the name of an environment variable that has more than one word.
var longName = regexp.MustCompile(`^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+_?$`)

// shortNames lists the environment variables with one word. A pattern for such names would also match other texts.
var shortNames = []string{
	"AGENT", "CLAUDECODE", "COLUMNS", "DISPLAY", "HOME", "LANG", "LINES", "LOCALAPPDATA", "LOGNAME", "OLDPWD", "OPENCODE", "PWD",
	"SHELL", "SHLVL", "TERM", "USER", "USERNAME", "WINDOWID",
}

// otherNames lists error codes of sign-ins. The test must not count these codes as environment variables.
var otherNames = []string{"AUTHCODE_EXPIRED", "INSUFFICIENT_PERMISSIONS", "TOKEN_EXPIRED", "USER_CREDENTIALS_CHANGED"}

// variableNames returns the environment variables that the source of the program names.
func variableNames(t *testing.T) []string {
	t.Helper()
	names := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, e fs.DirEntry, err error) error {
		switch base := filepath.Base(path); {
		case err != nil:
			return err
		case e.IsDir() && slices.Contains([]string{"contrib", "internal", "testdata", ".git"}, base):
			return fs.SkipDir
		case e.IsDir() || filepath.Ext(base) != ".go" || strings.HasSuffix(base, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING {
				name, _ := strconv.Unquote(text.Value)
				names[name] = slices.Contains(shortNames, name) || longName.MatchString(name) && !slices.Contains(otherNames, name)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(names, func(_ string, variable bool) bool { return !variable })
	return slices.Sorted(maps.Keys(names))
}

// difference returns the lines that only one of the two texts contains. It ignores how often a text contains a line.
func difference(want, got string) string {
	var b strings.Builder
	for _, side := range []struct{ sign, text, other string }{{"-", want, got}, {"+", got, want}} {
		others := strings.Split(side.other, "\n")
		for _, line := range strings.Split(side.text, "\n") {
			if !slices.Contains(others, line) {
				b.WriteString(side.sign + line + "\n")
			}
		}
	}
	return b.String()
}
