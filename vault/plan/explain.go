package plan

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"aws-vault/vault/printable"
)

// Explain writes the plan as text. The function sessionNote returns a note about the cached session of a step, or
// "" for no note. Steps are numbered from 0.
func (p Plan) Explain(w io.Writer, sessionNote func(step int) string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "profile %s\n", printable.Text(p.Profile))
	for i, s := range p.Steps {
		fmt.Fprintf(&b, "\n%d. %s (profile %s)\n", i+1, s.Kind, printable.Text(s.Profile))
		for _, l := range s.lines() {
			fmt.Fprintf(&b, "   %-16s %s\n", l.Name, printable.Text(l.Value))
		}
		if k := sessionNote(i); k != "" {
			fmt.Fprintf(&b, "   %-16s %s\n", "session", k)
		}
		for _, f := range s.Settings {
			fmt.Fprintf(&b, "   %-16s %s = %s (%s)\n", "setting", f.Name, printable.Text(f.Text), printable.Line(f.Origin))
		}
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "\nnote: %s\n", printable.Line(n))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// lines returns the lines that Explain prints about a step, without the cached session and the settings.
func (s Step) lines() []Arg {
	args := []Arg{{"why", s.Why}}
	args = append(args, s.Spec.Args()...)
	switch {
	case s.MFA.Serial != "" && s.MFA.Process != "":
		args = append(args, Arg{"MFA code", "of " + s.MFA.Serial + ", printed by " + s.MFA.Process})
	case s.MFA.Serial != "" && s.MFA.Device != "":
		args = append(args, Arg{"MFA code", "of " + s.MFA.Serial + ", read from a " + s.MFA.Device})
	case s.MFA.Serial != "":
		args = append(args, Arg{"MFA code", "of " + s.MFA.Serial + ", which you are prompted for"})
	}
	if s.Region != "" {
		args = append(args, Arg{"region", s.Region})
	}
	if s.Endpoint.URL != "" {
		args = append(args, Arg{"endpoint", s.Endpoint.URL + " (" + s.Endpoint.Origin + ")"})
	}
	if s.Policy.Inline != "" {
		args = append(args, Arg{"session policy", s.Policy.Inline})
	}
	for _, arn := range s.Policy.ARNs {
		args = append(args, Arg{"session policy", arn})
	}
	if s.Agent != "" {
		args = append(args, Arg{"for", "the coding agent " + s.Agent})
	}
	if s.Touch {
		args = append(args, Arg{"touch", "needed for each use of the cached session"})
	}
	if s.Duration > 0 {
		args = append(args, Arg{"duration", formatDuration(s.Duration)})
	}
	return append(args, Arg{"result", s.Yields.String()})
}

// String describes who the credentials belong to, and whether they are temporary.
func (y Yield) String() string {
	owner := map[PrincipalKind]string{User: "a user's", Role: "a role's", Federated: "a federated user's", UnknownPrincipal: "an unknown principal's"}[y.Principal]
	return owner + " " + map[Tri]string{Yes: "temporary credentials", No: "long-lived key", Unknown: "credentials, which may be temporary"}[y.Temporary]
}

// MarshalJSON writes the fields of the step, except CallerFingerprint and UnusedMFA. It writes Duration and MaxAge
// in seconds.
func (s Step) MarshalJSON() ([]byte, error) {
	type fields Step
	return json.Marshal(struct {
		fields
		Seconds    int `json:"duration_seconds,omitempty"`
		MaxSeconds int `json:"mfa_max_age_seconds,omitempty"`
	}{fields(s), int(s.Duration.Seconds()), int(s.MaxAge.Seconds())})
}
