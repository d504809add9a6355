package plan

import "fmt"

// NotStoredError is returned where a key was to be rotated that the vault does not hold.
type NotStoredError struct {
	Profile string // the profile asked for
	End     string // the profile where its credentials begin
	Kind    Kind   // what they begin with
}

func (e *NotStoredError) Error() string {
	return fmt.Sprintf("the credentials of profile %q begin with the %s of profile %q, want a stored key", e.Profile, e.Kind, e.End)
}

// rotation plans the credentials with which a user manages their own keys. Roles on the
// way are left out: they are another's rights. A session without an MFA code may call
// nothing of IAM, so there the stored key itself calls.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
func (b *builder) rotation(pl Plan) (Plan, error) {
	holder := b.chain.profiles[0]
	if b.chain.root.Kind != KindStoredKey {
		return Plan{}, &NotStoredError{Profile: b.chain.target.Name, End: holder.Name, Kind: b.chain.root.Kind}
	}
	region := b.chain.region(holder, false, holder.Text("mfa_serial"), b.chain.firstRole())
	pl.Calls = []Call{
		{Service: "sts", Region: region, Endpoint: endpoint(holder)},
		{Service: "iam", Region: region, Endpoint: serviceEndpoint(holder, "iam")},
	}
	pl.Notes = b.notes
	if b.options.NoSession {
		return pl, nil
	}
	for _, q := range b.chain.profiles {
		if !q.Set("mfa_serial") {
			continue
		}
		s := b.sessionStep(holder, q, false)
		s.Why = "IAM asks for an MFA code, and one session carries it to every call"
		s.Lasts = defaultSession
		pl.Steps = append(pl.Steps, s)
		break
	}
	return pl, nil
}
