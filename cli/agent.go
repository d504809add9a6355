package cli

import (
	"fmt"
	"slices"
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

// personal are the commands, and the flags of commands, that an agent is refused: they hand
// out or move what outlives its session.
var personal = []struct{ name, does string }{
	{"add", "stores a long-lived key"},
	{"remove", "deletes a long-lived key"},
	{"rotate", "replaces a long-lived key"},
	{"import", "moves long-lived keys"},
	{"migrate-backend", "moves long-lived keys"},
	{"aws-login", "signs a person in"},
	{"unlock", "opens the keystore to every process"},
	{"mfa", "shows or changes what a person proves themselves with"},
	{"sealed", "changes who can open the keystore"},
	{"identity", "changes what a person proves themselves with"},
	{"certificate", "signs with a key that a person proves themselves with"},
	{"serve", "goes on handing out credentials when the agent is gone"},
	{shareFlag, "writes a token that signs a person in"},
	{secretFlag, "stores a long-lived secret"},
}

// The flags among them.
const (
	shareFlag  = "--share-sso-token"
	secretFlag = "--client-secret-stdin"
)

// An agentError is what a coding agent is refused.
type agentError struct {
	what, does string
	variable   string // that gave the agent away
}

func (e *agentError) Error() string {
	return fmt.Sprintf("%s %s, which is a person's to do, and %s says that a coding agent asks", e.what, e.does, e.variable)
}

// personOnly refuses an agent a command, by its whole name, or a flag.
func (a *app) personOnly(name string) error {
	first, _, _ := strings.Cut(name, " ")
	i := slices.IndexFunc(personal, func(p struct{ name, does string }) bool { return p.name == first })
	if i < 0 {
		return nil
	}
	if agent := a.agent(); agent.Name != "" {
		return &agentError{personal[i].name, personal[i].does, agent.Variable}
	}
	return nil
}
