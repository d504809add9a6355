package plan

import (
	"fmt"
	"time"

	"aws-vault/vault/policy"
)

// FederationToken is the Spec of a GetFederationToken step. The call is signed with a user's access key
// and returns credentials that the console accepts.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
type FederationToken struct {
	Name string `json:"name"` // ${aws:username} is replaced with the name of the calling user
}

func (f FederationToken) encode(e *encoder) { e.text(f.Name) }

func (f FederationToken) Args() []Arg { return []Arg{{"name", f.Name}} }

// consoleSignIn adds the steps and calls for a console sign-in to the plan. The console accepts
// only temporary credentials of a role or of a federated user. If the plan ends with a user's access
// key, a step is added that exchanges the key for credentials of a federated user.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html
func (b *builder) consoleSignIn(pl Plan) (Plan, error) {
	pl.Calls = []Call{
		{Service: "sts", Region: b.chain.region(b.chain.target, true), Endpoint: endpoint(b.chain.target)},
		{Service: "signin", Endpoint: serviceEndpoint(b.chain.target, "signin")},
	}
	if pl.Last().Yields == (Yield{User, No}) {
		s, err := b.federation(pl)
		if err != nil {
			return Plan{}, err
		}
		pl.Steps = append(pl.Steps, s)
	} else if err := b.setConsoleDuration(&pl); err != nil {
		return Plan{}, err
	}
	pl.Notes = b.notes
	return b.sessionLimit.restrict(pl, &b.chain)
}

func (b *builder) federation(pl Plan) (Step, error) {
	s := pl.Federation(b.options.FederatedName)
	p, err := ownPolicy(b.chain.target, b.holdings.Policies)
	if err != nil {
		return Step{}, err
	}
	if !p.IsZero() {
		s.Policy = p
		s.Settings = settings(b.chain.target, "session_policy", "session_policy_arns")
	}
	if d := b.chain.target.Duration("federation_token_ttl"); d > 0 {
		s.Duration = d
		s.Settings = append(s.Settings, settings(b.chain.target, "federation_token_ttl")...)
	}
	if b.options.Duration > 0 {
		s.Duration = b.options.Duration
	}
	return s, checkDuration(s.Duration, minDuration, maxSession)
}

// Federation returns the step that exchanges a user's access key for credentials of a federated user, which the
// console accepts. Call Federation if the plan's last step returns a user's access key. For some plans, only the
// returned credentials show whether this is the case. If name is empty, the federated user has the name of the
// calling user.
func (p Plan) Federation(name string) Step {
	if name == "" {
		name = UserName
	}
	at := p.Call("sts")
	return Step{
		Kind: KindFederationToken, Profile: p.Last().Profile, Yields: Yield{Federated, Yes}, Cacheable: true,
		Duration: defaultFederation, Region: at.Region, Endpoint: at.Endpoint, Policy: policy.Policy{Inline: policy.AllowAll},
		Why:  "the console does not accept an IAM user's key, so a federated user is used, which has the permissions of the IAM user",
		Spec: FederationToken{Name: name},
	}
}

// setConsoleDuration sets the requested duration of the console session. AWS accepts a duration only for a role
// that is assumed with an access key or a token. For all other credentials, setConsoleDuration requests no
// duration and adds a note. The console session then ends when the credentials expire.
func (b *builder) setConsoleDuration(pl *Plan) error {
	d, last := b.options.Duration, pl.Last()
	if d == 0 {
		return nil
	}
	if err := checkDuration(d, minDuration, maxRole); err != nil {
		return err
	}
	straight := last.usesToken() ||
		last.Kind == KindAssumeRole && pl.Steps[len(pl.Steps)-2].Yields.Temporary == No
	if !straight {
		b.notes = append(b.notes, fmt.Sprintf("the console session lasts as long as the credentials, not %s: "+
			"AWS accepts a duration only for a role that is assumed directly with an access key or a token", formatDuration(d)))
		return nil
	}
	for i := range pl.Calls {
		if pl.Calls[i].Service == "signin" {
			pl.Calls[i].Duration = d
		}
	}
	return nil
}

// wantsLongConsole reports whether the requested console session is longer than [MaxChained]. If so, the role is
// assumed directly with the access key and an MFA code. With a session token, the session of the role would last
// at most MaxChained.
func (b *builder) wantsLongConsole() bool {
	return b.options.Purpose == Console && b.options.Duration > MaxChained
}

// defaultFederation is the default duration of a federated user's credentials.
const defaultFederation = time.Hour
