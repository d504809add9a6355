package cli

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
)

// TestSplitCommand checks that the command of exec begins after the flags of aws-vault. It tries all forms of
// flags.
func TestSplitCommand(t *testing.T) {
	k := describe(&app.App{Env: app.Env{Stdout: io.Discard, Stderr: io.Discard}}, commands...)
	for _, c := range []struct{ line, left, command string }{
		{"exec prod aws s3 ls --debug", "exec prod", "aws s3 ls --debug"},
		{"exec prod -- aws -x", "exec prod", "aws -x"},
		{"exec -- aws", "exec", "aws"},
		{"exec prod --", "exec prod", ""},
		{"--backend file exec prod aws", "--backend file exec prod", "aws"},
		{"--backend=file exec prod aws", "--backend=file exec prod", "aws"},
		{"--debug exec prod aws", "--debug exec prod", "aws"},
		{"exec --duration 2h prod aws", "exec --duration 2h prod", "aws"},
		{"exec --backend file prod aws", "exec --backend file prod", "aws"},
		{"exec -d 2h prod aws", "exec -d 2h prod", "aws"},
		{"exec -d2h prod aws", "exec -d2h prod", "aws"},
		{"exec -nd 2h prod aws", "exec -nd 2h prod", "aws"},
		{"exec -n prod aws -n", "exec -n prod", "aws -n"},
		{"exec prod --region eu-west-1 aws", "exec prod --region eu-west-1", "aws"},
		{"export prod -- aws", "export prod -- aws", ""},
		{"sso list exec prod", "sso list exec prod", ""},
		{"-- exec prod aws", "-- exec prod aws", ""},
	} {
		left, command, _ := splitCommand(k.Application, strings.Fields(c.line))
		if !slices.Equal(left, strings.Fields(c.left)) || !slices.Equal(command, strings.Fields(c.command)) {
			t.Errorf("%s: split into %q and %q, want %q and %q", c.line, left, command, c.left, c.command)
		}
	}
	for _, f := range k.Model().Flags {
		if f.Short != 0 && !f.IsBoolFlag() {
			t.Errorf("the global flag -%c has a value, which takesNext does not expect", f.Short)
		}
	}
}

// TestExamples parses the two examples on the help page of every command. It runs no command.
func TestExamples(t *testing.T) {
	pages := 0
	var check func(command []string, c *kingpin.CmdModel)
	check = func(command []string, c *kingpin.CmdModel) {
		command = append(slices.Clone(command), c.Name)
		pages++
		commandLines := 0
		for line := range strings.SplitSeq(strings.ReplaceAll(strings.Join(exampleLines(c, ""), "\n"), " \\\n ", ""), "\n") {
			if strings.HasPrefix(line, "# ") {
				continue
			}
			commandLines++
			if !parseExample(t, line, command) {
				t.Errorf("%s: the example is not a command line of it: %s", strings.Join(command, " "), line)
			}
		}
		if commandLines != 2 {
			t.Errorf("%s: the help page has %d examples, want 2", strings.Join(command, " "), commandLines)
		}
		for _, sub := range c.Commands {
			check(command, sub)
		}
	}
	for _, c := range exampleApp().Model().Commands {
		check(nil, c)
	}
	if !parseExample(t, strings.Split(helpExamples(), "\n")[1], []string{"help"}) {
		t.Errorf("the example of help does not parse: %s", helpExamples())
	}
	if pages < 50 {
		t.Errorf("only %d help pages were checked", pages)
	}
}

func exampleApp() commandLine {
	return describe(&app.App{Env: app.Env{Stdout: io.Discard, Stderr: io.Discard}}, commands...)
}

// parseExample parses each call of aws-vault in a shell command line. It reports whether one of the calls is the
// command, a subcommand of the command, or a flag that does the same as the command.
func parseExample(t *testing.T, line string, command []string) bool {
	t.Helper()
	found := false
	for i, call := range strings.Split(line, "aws-vault ") {
		if i == 0 {
			continue
		}
		if end := strings.IndexAny(call, "|<>)"); end >= 0 {
			call = call[:end]
		}
		args := strings.Fields(call)
		k := exampleApp()
		parsed, err := k.parse(args)
		var done handled
		switch {
		case errors.As(err, &done) && done == 0: // a call that prints a help page or the version
			found = found || slices.Equal(args[:min(len(args), len(command))], command) || args[0] == "--"+command[0] || args[0] == "--help-long"
		case err != nil:
			t.Errorf("%s: %v", line, err)
		default:
			found = found || strings.HasPrefix(parsed.name+" ", strings.Join(command, " ")+" ")
		}
	}
	return found
}

// TestCommandGroups checks that the main help page lists every command exactly once.
func TestCommandGroups(t *testing.T) {
	var grouped []string
	for _, g := range commandGroups {
		grouped = append(grouped, g.names...)
	}
	all := []string{"help"} // kingpin adds the command help when it parses
	for _, c := range exampleApp().Model().Commands {
		all = append(all, c.Name)
	}
	slices.Sort(grouped)
	slices.Sort(all)
	if !slices.Equal(grouped, all) {
		t.Errorf("the groups of the help page have the commands %v, want %v", grouped, all)
	}
}
