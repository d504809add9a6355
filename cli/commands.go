package cli

import (
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/cli/doctor"
	"aws-vault/cli/identity"
	"aws-vault/cli/keys"
	"aws-vault/cli/mfa"
	"aws-vault/cli/run"
	"aws-vault/cli/sealed"
	"aws-vault/cli/setup"
	"aws-vault/cli/signin"
)

// agentRefusal returns an error if a coding agent runs the program and may not use the parsed command or one of its
// flags.
func agentRefusal(a *app.App, k commandLine, line parsed) error {
	agent := a.Env.Agent()
	switch {
	case agent.Name == "":
		return nil
	case !line.verb.Agents:
		return &app.AgentError{What: "this command", Effect: line.verb.Effect, Variable: agent.Variable}
	}
	for _, f := range flagsOf(k.Model(), line.name) {
		if closed, ok := f.Value.(app.PersonFlag); ok && *closed.Value {
			return &app.AgentError{What: "--" + f.Name, Effect: closed.Effect, Variable: agent.Variable}
		}
	}
	return nil
}

// flagsOf returns all flags of a command: its own, those of its parent commands, and the global flags.
func flagsOf(k *kingpin.ApplicationModel, name string) []*kingpin.FlagModel {
	flags, commands := k.Flags, k.Commands
	for {
		i := slices.IndexFunc(commands, func(c *kingpin.CmdModel) bool {
			return name == c.FullCommand || strings.HasPrefix(name, c.FullCommand+" ")
		})
		if i < 0 {
			return flags
		}
		flags, commands = slices.Concat(flags, commands[i].Flags), commands[i].Commands
	}
}

// A command is a function that adds one command, or one command with subcommands, to the command line. It returns
// the actions of the added commands.
type command = func(*kingpin.Application, *app.App) []app.Verb

// commands contains one function for each command, in the order in which completion lists the commands.
var commands = []command{
	keys.AddCommand,
	keys.ListCommand,
	run.ExecCommand,
	run.ExportCommand,
	run.ServeCommand,
	signin.LoginCommand,
	run.ExplainCommand,
	identity.PolicyCommand,
	setup.Command,
	signin.SSOCommand,
	signin.OIDCCommand,
	identity.Command,
	signin.AWSLoginCommand,
	mfa.Command,
	identity.CertificateCommand,
	keys.ClearCommand,
	keys.RemoveCommand,
	keys.RotateCommand,
	keys.BackendsCommand,
	keys.ImportCommand,
	keys.MigrateCommand,
	keys.RekeyCommand,
	run.ProxyCommand,
	sealed.Command,
	sealed.UnlockCommand,
	sealed.LockCommand,
	doctor.Command,
	versionCommand,
}

// A commandGroup is a heading of the main help page, and the commands below it.
type commandGroup struct {
	title string
	names []string
}

// commandGroups contains all top-level commands, in the order of the main help page and the man page.
var commandGroups = []commandGroup{
	{"Every day", []string{"exec", "login", "list", "explain", "export", "serve"}},
	{"Sign in", []string{"sso", "oidc", "aws-login", "clear"}},
	{"Access keys", []string{"add", "rotate", "remove", "import"}},
	{"Security keys and identities", []string{"mfa", "identity", "certificate"}},
	{"Keystores", []string{"backends", "migrate-backend", "rekey", "sealed", "unlock", "lock"}},
	{"Set-up and diagnosis", []string{"setup", "doctor", "policy", "proxy", "help", "version"}},
}

// The method "of" returns the commands that belong to the group, in the order of the group.
func (g commandGroup) of(commands []*kingpin.CmdModel) []*kingpin.CmdModel {
	var members []*kingpin.CmdModel
	for _, name := range g.names {
		if c := named(commands, name); c != nil {
			members = append(members, c)
		}
	}
	return members
}

// needsState lists the commands that store or remove something in the state folder. These commands fail if the state
// folder cannot be used. The name of a command stands for its subcommands too.
var needsState = []string{
	"aws-login", "clear", "identity", "oidc login", "oidc logout", "rekey", "rotate", "sealed add", "sealed init", "sealed recover", "sealed rekey",
	"sealed remove", "serve", "sso login", "sso logout",
}

// checkState returns an error if the command needs a state folder, and the folder cannot be used.
func checkState(a *app.App, command string) error {
	for _, c := range needsState {
		if command == c || strings.HasPrefix(command, c+" ") {
			_, err := a.State()
			return err
		}
	}
	return nil
}
