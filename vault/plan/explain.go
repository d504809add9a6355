package plan

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Explain writes the plan for a reader. kept says of each step, by its number from 0,
// what is known of a session that would serve; it may be empty.
func (p Plan) Explain(w io.Writer, kept func(step int) string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "profile %s\n", p.Profile)
	for i, s := range p.Steps {
		fmt.Fprintf(&b, "\n%d. %s (profile %s)\n", i+1, s.Kind, s.Profile)
		for _, l := range s.lines() {
			fmt.Fprintf(&b, "   %-16s %s\n", l.Name, l.Value)
		}
		if k := kept(i); k != "" {
			fmt.Fprintf(&b, "   %-16s %s\n", "session", k)
		}
		for _, f := range s.From {
			fmt.Fprintf(&b, "   %-16s %s = %s (%s)\n", "setting", f.Name, f.Text, f.Origin)
		}
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "\nnote: %s\n", n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// lines are what explain shows of a step, apart from its place and its settings.
func (s Step) lines() []Arg {
	args := []Arg{{"why", s.Why}}
	args = append(args, s.Spec.Args()...)
	switch {
	case s.MFA.Serial != "" && s.MFA.Process != "":
		args = append(args, Arg{"MFA code", "of " + s.MFA.Serial + ", printed by " + s.MFA.Process})
	case s.MFA.Serial != "" && s.MFA.Device != "":
		args = append(args, Arg{"MFA code", "of " + s.MFA.Serial + ", read from a " + s.MFA.Device})
	case s.MFA.Serial != "":
		args = append(args, Arg{"MFA code", "of " + s.MFA.Serial + ", asked for"})
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
	if s.Lasts > 0 {
		args = append(args, Arg{"lasts", short(s.Lasts)})
	}
	return append(args, Arg{"gives", s.Yields.String()})
}

// String says in words whose credentials they are, and for how long.
func (y Yield) String() string {
	who := map[Who]string{User: "a user's", Role: "a role's", Federated: "a federated user's", Nobody: "somebody's"}[y.Who]
	return who + " " + map[Tri]string{Yes: "temporary credentials", No: "long-lived key", Unknown: "credentials, perhaps temporary"}[y.Temporary]
}

// MarshalJSON writes the durations of a step in seconds, beside its other fields.
func (s Step) MarshalJSON() ([]byte, error) {
	type fields Step
	return json.Marshal(struct {
		fields
		Seconds    int `json:"duration_seconds,omitempty"`
		MaxSeconds int `json:"mfa_max_age_seconds,omitempty"`
	}{fields(s), int(s.Lasts.Seconds()), int(s.MaxAge.Seconds())})
}
