package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
)

// asAgent returns an app that a coding agent runs, and a command line with the given commands.
func asAgent(commands ...command) (*app.App, commandLine) {
	a := &app.App{Env: app.Env{
		Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard,
		Getenv: func(name string) (string, bool) {
			return map[string]string{"CLAUDECODE": "1"}[name], name == "CLAUDECODE"
		},
	}}
	return a, describe(a, commands...)
}

// refusal returns the error that a coding agent gets for a command line. It returns nil if an agent may run the
// command line. It only parses the command line, and runs no command.
func refusal(t *testing.T, args ...string) *app.AgentError {
	t.Helper()
	a, k := asAgent(commands...)
	line, err := k.parse(args)
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	var refused *app.AgentError
	errors.As(agentRefusal(a, k, line), &refused)
	return refused
}

// commandLineOf returns a valid command line for the command c.
func commandLineOf(c *kingpin.CmdModel) []string {
	args := strings.Fields(c.FullCommand)
	for _, f := range c.Flags {
		if f.Required {
			args = append(args, "--"+f.Name+"=file") // the value "file" is valid for all required flags, because they name a keystore
		}
	}
	for _, arg := range c.Args {
		if arg.Required {
			args = append(args, "x")
		}
	}
	return args
}

// TestAgentAccess compares the commands and flags with testdata/agents.txt. The file lists each command as open or
// closed to coding agents, and each flag of the open commands. A flag marked "!" is closed. The file is written by
// hand: decide whether agents may use a new command, and then add it to the file. For an open command, also set Agents
// to true.
func TestAgentAccess(t *testing.T) {
	text, err := os.ReadFile("testdata/agents.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, k := asAgent(commands...)
	var got []string
	var walk func(all []*kingpin.CmdModel)
	walk = func(all []*kingpin.CmdModel) {
		for _, c := range all {
			args := commandLineOf(c)
			switch {
			case c.FullCommand == "help": // kingpin itself runs the command "help", so this command has no Verb
			case len(c.Commands) > 0:
				walk(c.Commands)
			case refusal(t, args...) != nil:
				got = append(got, "closed: "+c.FullCommand)
			default:
				line := "open: " + c.FullCommand
				for _, f := range c.Flags {
					mark := ""
					if _, ok := f.Value.(app.PersonFlag); ok {
						mark = "!"
						if e := refusal(t, append(slices.Clone(args), "--"+f.Name)...); e == nil || e.What != "--"+f.Name {
							t.Errorf("%s --%s: %v", c.FullCommand, f.Name, e)
						}
						if e := refusal(t, append(slices.Clone(args), "--no-"+f.Name)...); e != nil {
							t.Errorf("%s --no-%s: %v", c.FullCommand, f.Name, e)
						}
					}
					line += " " + mark + "--" + f.Name
				}
				got = append(got, line)
			}
		}
	}
	walk(k.Model().Commands)
	want := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("not in testdata/agents.txt: %s", line)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("only in testdata/agents.txt: %s", line)
		}
	}
}

// TestNewCommandIsClosedToAgents checks that a new command is closed to coding agents by default. A new subcommand
// must be closed even if other subcommands of its command are open. A person can run the new command and the new
// subcommand.
func TestNewCommandIsClosedToAgents(t *testing.T) {
	run := func(context.Context) error { return nil }
	dummies := func(k *kingpin.Application, a *app.App) []app.Verb {
		group := k.Command("group", "Commands.")
		return []app.Verb{
			{Command: k.Command("dummy", "A command that is new."), Run: run},
			{Command: group.Command("old", "An open one."), Agents: true, Run: run},
			{Command: group.Command("new", "A new one."), Run: run},
		}
	}
	for name, want := range map[string]bool{"dummy": false, "group old": true, "group new": false} {
		a, k := asAgent(append(slices.Clip(commands), dummies)...)
		line, err := k.parse(strings.Fields(name))
		if err != nil || line.name != name {
			t.Fatalf("%s: %q, %v", name, line.name, err)
		}
		if err := agentRefusal(a, k, line); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		} else if err != nil && err.Error() != "coding agents cannot use this command (CLAUDECODE is set)" {
			t.Errorf("%s: %v", name, err)
		}
		a.Env.Getenv = func(string) (string, bool) { return "", false }
		if err := agentRefusal(a, k, line); err != nil {
			t.Errorf("%s, for a person: %v", name, err)
		}
	}
}
