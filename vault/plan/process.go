package plan

import "aws-vault/vault/profile"

// Process is the Spec of a command that prints credentials.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
type Process struct {
	Command     string `json:"credential_process"`
	Environment string `json:"-"` // fingerprint of the environment variables that can influence the command
}

func (p Process) encode(e *encoder) {
	e.text(p.Command)
	e.text(p.Environment)
}

func (p Process) Args() []Arg { return []Arg{{"command", p.Command}} }

// process plans to run the profile's credential_process. Coding agents and users do not share its cached
// credentials, because the program can return different credentials to an agent. For example, the program can be
// another copy of aws-vault.
func process(b *builder, q *profile.Profile) (Step, bool, error) {
	if !q.Set("credential_process") {
		return Step{}, false, nil
	}
	return Step{
		Kind: KindProcess, Profile: q.Name, Yields: Yield{UnknownPrincipal, Unknown}, Cacheable: true, Agent: b.options.Agent.Name,
		Why: "the profile names a command that prints credentials", Settings: settings(q, "credential_process"),
		Spec: Process{Command: q.Text("credential_process"), Environment: b.holdings.Programs},
	}, true, nil
}
