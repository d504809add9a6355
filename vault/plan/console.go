package plan

import (
	"errors"
	"fmt"
	"time"

	"aws-vault/vault/policy"
	"aws-vault/vault/profile"
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

// ErrNoEnvironmentKey is returned where the environment was to give credentials and holds
// none.
var ErrNoEnvironmentKey = errors.New("the environment holds no credentials")

// FromEnvironment plans to use the credentials in the environment as they are. p says how
// and where to call. It fails with [ErrNoEnvironmentKey] or as [Make] does.
func FromEnvironment(p *profile.Profile, h Holdings, o Options) (Plan, error) {
	if h.Environment == nil {
		return Plan{}, ErrNoEnvironmentKey
	}
	c := &chain{target: p, profiles: []*profile.Profile{p}, holdings: h, options: o}
	c.root = environmentKey(h.Environment)
	c.root.Why = "no profile was named, and the environment holds credentials"
	if err := c.decideLimit(); err != nil {
		return Plan{}, err
	}
	pl := Plan{Region: p.Text("region"), URL: p.Text("endpoint_url"), Steps: []Step{c.root}}
	if o.For == Console {
		return c.signIn(pl)
	}
	return c.restrict(pl)
}

func environmentKey(key *EnvironmentKey) Step {
	s := Step{Kind: KindEnvironment, Yields: Yield{User, No}, Spec: CredentialSource{Source: "Environment", Fingerprint: key.Fingerprint}}
	if key.Temporary {
		s.Yields = Yield{Nobody, Yes}
	}
	return s
}

// signIn plans how the console is signed in to with what the plan gives so far. It takes
// temporary credentials of a role or a federated user only, so a user's key becomes one of
// these.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html
func (c *chain) signIn(pl Plan) (Plan, error) {
	pl.Calls = []Call{
		{Service: "sts", Region: c.region(c.target, true), Endpoint: endpoint(c.target)},
		{Service: "signin", Endpoint: serviceEndpoint(c.target, "signin")},
	}
	if pl.Last().Yields == (Yield{User, No}) {
		s, err := c.federation(pl)
		if err != nil {
			return Plan{}, err
		}
		pl.Steps = append(pl.Steps, s)
	} else if err := c.consoleTime(&pl); err != nil {
		return Plan{}, err
	}
	pl.Notes = c.notes
	return c.restrict(pl)
}

func (c *chain) federation(pl Plan) (Step, error) {
	s := pl.Federation(c.options.As)
	p, err := c.policy(c.target)
	if err != nil {
		return Step{}, err
	}
	if !p.IsZero() {
		s.Policy = p
		s.From = settings(c.target, "session_policy", "session_policy_arns")
	}
	if d := c.target.Duration("federation_token_ttl"); d > 0 {
		s.Lasts = d
		s.From = append(s.From, settings(c.target, "federation_token_ttl")...)
	}
	if c.options.Duration > 0 {
		s.Lasts = c.options.Duration
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
func (c *chain) consoleTime(pl *Plan) error {
	d, last := c.options.Duration, pl.Last()
	if d == 0 {
		return nil
	}
	if err := checkDuration(d, minDuration, maxRole); err != nil {
		return err
	}
	straight := last.exchanges() ||
		last.Kind == KindAssumeRole && pl.Steps[len(pl.Steps)-2].Yields.Temporary == No
	if !straight {
		c.notes = append(c.notes, fmt.Sprintf("the console stays open for as long as the credentials serve, not for %s: AWS takes a duration only with a role that is assumed straight from a key", short(d)))
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
func (c *chain) consoleAsks() bool {
	return c.options.For == Console && c.options.Duration > MaxChained
}

// defaultFederation is how long a federated user lasts where nothing else is said.
const defaultFederation = time.Hour
