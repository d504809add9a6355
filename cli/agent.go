package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/vault/plan"
	"aws-vault/vault/policy"
)

// limitFlags say what credentials may do at most.
type limitFlags struct {
	policies []string
	readOnly bool
}

func (f *limitFlags) bind(c *kingpin.CmdClause) {
	c.Flag("policy", "Limit the session to a policy: an ARN, file://PATH, or the NAME of a session-policy section. Several limit it to what all allow, where that can be said in one call.").
		PlaceHolder("POLICY").StringsVar(&f.policies)
	c.Flag("read-only", "Limit the session to AWS's ReadOnlyAccess.").BoolVar(&f.readOnly)
}

func (f *limitFlags) limits() []string {
	if !f.readOnly {
		return f.policies
	}
	return append([]string{plan.ReadOnly}, f.policies...)
}

// agent is the coding agent that runs us; zero for a person.
func (a *app) agent() policy.Agent {
	agent, _ := policy.Running(a.env.Getenv, a.hasTerminal)
	return agent
}

// A verb is what a command does, and who may use it.
type verb struct {
	run func(context.Context) error

	// agents opens the command to coding agents. It is closed to them otherwise: see
	// agentRefusal.
	agents bool
	// does says why the command is closed, for the error; empty for no more than that it is.
	does string
}

// A personFlag is a flag that coding agents may not use, of a command that they may use.
type personFlag struct {
	given *bool
	does  string // what the flag does, for the error
}

func (f personFlag) Set(text string) error {
	given, err := strconv.ParseBool(text)
	*f.given = given
	return err
}

func (f personFlag) String() string { return strconv.FormatBool(*f.given) }

// IsBoolFlag tells kingpin that the flag has no value.
func (f personFlag) IsBoolFlag() bool { return true }

// An agentError reports a command or a flag that is closed to coding agents.
type agentError struct {
	what     string // in words
	does     string
	variable string // that shows the agent
}

func (e *agentError) Error() string {
	text := fmt.Sprintf("%s is closed to coding agents, and %s is set", e.what, e.variable)
	if e.does != "" {
		text += ": it " + e.does
	}
	return text
}

func (*agentError) Remedy() string {
	return "run it yourself, in a terminal that was not started by a coding agent"
}

// agentRefusal refuses a coding agent the command that was parsed, unless its registration opens it,
// and each of its flags that the registration closes. The name is the command's whole name.
func (a *app) agentRefusal(k *kingpin.Application, name string) error {
	agent := a.agent()
	switch {
	case agent.Name == "":
		return nil
	case !a.verb.agents:
		return &agentError{"this command", a.verb.does, agent.Variable}
	}
	for _, f := range flagsOf(k.Model(), name) {
		if closed, ok := f.Value.(personFlag); ok && *closed.given {
			return &agentError{"--" + f.Name, closed.does, agent.Variable}
		}
	}
	return nil
}

// flagsOf returns all flags that a command accepts, with those of the commands that it belongs to.
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
