package plan

import (
	"fmt"
	"time"

	"aws-vault/vault/policy"
)

// FederationToken is the Spec of a GetFederationToken step, which turns a user's key into
// credentials that the console takes.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
type FederationToken struct {
	Name string `json:"name"` // ${aws:username} stands for the calling user's name
}

func (f FederationToken) encode(e *encoder) { e.text(f.Name) }

// Args shows the name.
func (f FederationToken) Args() []Arg { return []Arg{{"name", f.Name}} }

// signIn plans how the console is signed in to with what the plan gives so far. It takes
// temporary credentials of a role or a federated user only, so a user's key becomes one of
// these.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html
func (b *builder) signIn(pl Plan) (Plan, error) {
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
	} else if err := b.consoleTime(&pl); err != nil {
		return Plan{}, err
	}
	pl.Notes = b.notes
	return b.bound.restrict(pl, &b.chain)
}

func (b *builder) federation(pl Plan) (Step, error) {
	s := pl.Federation(b.options.As)
	p, err := ownPolicy(b.chain.target, b.holdings.Policies)
	if err != nil {
		return Step{}, err
	}
	if !p.IsZero() {
		s.Policy = p
		s.From = settings(b.chain.target, "session_policy", "session_policy_arns")
	}
	if d := b.chain.target.Duration("federation_token_ttl"); d > 0 {
		s.Lasts = d
		s.From = append(s.From, settings(b.chain.target, "federation_token_ttl")...)
	}
	if b.options.Duration > 0 {
		s.Lasts = b.options.Duration
	}
	return s, checkDuration(s.Lasts, minDuration, maxSession)
}

// Federation is the step that turns a user's key, which the plan's steps give or turn out
// to give, into what the console takes. An empty name is the user's own.
func (p Plan) Federation(name string) Step {
	if name == "" {
		name = UserName
	}
	at := p.Call("sts")
	return Step{
		Kind: KindFederationToken, Profile: p.Last().Profile, Yields: Yield{Federated, Yes}, Keep: true,
		Lasts: defaultFederation, Region: at.Region, Endpoint: at.Endpoint, Policy: policy.Policy{Inline: policy.Full},
		Why:  "the console takes no user's key, and a federated user has the rights of the user",
		Spec: FederationToken{Name: name},
	}
}

// consoleTime decides whether the console is told how long to last. AWS refuses that of
// the credentials of a chained role, where it takes them for as long as they serve.
func (b *builder) consoleTime(pl *Plan) error {
	d, last := b.options.Duration, pl.Last()
	if d == 0 {
		return nil
	}
	if err := checkDuration(d, minDuration, maxRole); err != nil {
		return err
	}
	straight := last.exchanges() ||
		last.Kind == KindAssumeRole && pl.Steps[len(pl.Steps)-2].Yields.Temporary == No
	if !straight {
		b.notes = append(b.notes, fmt.Sprintf("the console stays open for as long as the credentials serve, not for %s: "+
			"AWS takes a duration only with a role that is assumed straight from a key", short(d)))
		return nil
	}
	for i := range pl.Calls {
		if pl.Calls[i].Service == "signin" {
			pl.Calls[i].Lasts = d
		}
	}
	return nil
}

// consoleAsks reports whether the console is to stay open for longer than a role on a
// session token can: the role is then assumed straight from the key, with a code.
func (b *builder) consoleAsks() bool {
	return b.options.For == Console && b.options.Duration > MaxChained
}

// defaultFederation is how long a federated user lasts where nothing else is said.
const defaultFederation = time.Hour
