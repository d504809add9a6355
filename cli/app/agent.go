package app

import (
	"github.com/alecthomas/kingpin/v2"

	"aws-vault/vault/plan"
	"aws-vault/vault/policy"
)

// limitFlags contains the flags that limit the permissions of a session.
type limitFlags struct {
	policies []string
	readOnly bool
}

// Bind registers --policy and --read-only.
func (f *limitFlags) Bind(c *kingpin.CmdClause) {
	c.Flag("policy", "Restrict the session with a policy: an ARN, file://PATH, or the name of a session-policy section. Repeatable: an action is allowed only if all these policies allow it.").
		PlaceHolder("POLICY").StringsVar(&f.policies)
	c.Flag("read-only", "Restrict the session with the AWS policy ReadOnlyAccess.").BoolVar(&f.readOnly)
}

func (f *limitFlags) limits() []string {
	if !f.readOnly {
		return f.policies
	}
	return append([]string{plan.ReadOnly}, f.policies...)
}

// Agent returns the coding agent that runs this process, or the zero Agent if a person runs this process.
func (e *Env) Agent() policy.Agent {
	agent, _ := policy.DetectAgent(e.Getenv, e.HasTerminal)
	return agent
}
