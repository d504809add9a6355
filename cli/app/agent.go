package app

import (
	"github.com/alecthomas/kingpin/v2"

	"aws-vault/vault/plan"
	"aws-vault/vault/policy"
)

// limitFlags say what credentials may do at most.
type limitFlags struct {
	policies []string
	readOnly bool
}

func (f *limitFlags) Bind(c *kingpin.CmdClause) {
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

// Agent is the coding agent that runs us; zero for a person.
func (e *Env) Agent() policy.Agent {
	agent, _ := policy.Running(e.Getenv, e.HasTerminal)
	return agent
}
