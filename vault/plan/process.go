package plan

import "aws-vault/vault/profile"

// Process is the Spec of a command that prints credentials.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
type Process struct {
	Command string `json:"credential_process"`
}

func (p Process) encode(e *encoder) { e.text(p.Command) }

// Args shows the command.
func (p Process) Args() []Arg { return []Arg{{"command", p.Command}} }

func process(_ *chain, q *profile.Profile) (Step, bool, error) {
	if !q.Set("credential_process") {
		return Step{}, false, nil
	}
	return Step{
		Kind: KindProcess, Profile: q.Name, Yields: Yield{Nobody, Unknown}, Keep: true,
		Why: "the profile names a command that prints credentials", From: settings(q, "credential_process"),
		Spec: Process{Command: q.Text("credential_process")},
	}, true, nil
}
