package plan

import "aws-vault/vault/profile"

// Process is the Spec of a command that prints credentials.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
type Process struct {
	Command     string `json:"credential_process"`
	Environment string `json:"-"` // a fingerprint of the variables that the command may go by
}

func (p Process) encode(e *encoder) {
	e.text(p.Command)
	e.text(p.Environment)
}

// Args shows the command.
func (p Process) Args() []Arg { return []Arg{{"command", p.Command}} }

// process sets a coding agent's session apart from a person's: the program can see who runs it, and
// may be an aws-vault that provides less to agents.
func process(b *builder, q *profile.Profile) (Step, bool, error) {
	if !q.Set("credential_process") {
		return Step{}, false, nil
	}
	return Step{
		Kind: KindProcess, Profile: q.Name, Yields: Yield{Nobody, Unknown}, Keep: true, Agent: b.options.Agent.Name,
		Why: "the profile names a command that prints credentials", From: settings(q, "credential_process"),
		Spec: Process{Command: q.Text("credential_process"), Environment: b.holdings.Programs},
	}, true, nil
}
