package plan

import (
	"fmt"

	"aws-vault/vault/printable"
)

// NotStoredError reports that the key to rotate is not stored in the vault.
type NotStoredError struct {
	Profile string // name of the requested profile
	End     string // name of the last profile in the source_profile chain
	Kind    Kind   // the kind of source that the profile End has
}

func (e *NotStoredError) Error() string {
	return fmt.Sprintf("the credentials of profile %s come from the %s of profile %s, expected a stored key", printable.Quote(e.Profile), e.Kind, printable.Quote(e.End))
}

// rotation plans the credentials with which a user replaces their own access key. The roles of the chain are not
// assumed, because their permissions differ from the permissions of the user. If no profile sets an MFA device,
// the stored key itself signs the calls, because a session token without an MFA code cannot call IAM.
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
		s.Why = "IAM requires an MFA code, and with a session token one code is enough for all calls"
		s.Duration = defaultSession
		pl.Steps = append(pl.Steps, s)
		break
	}
	return pl, nil
}
