package plan

import (
	"crypto/sha256"
	"strings"

	"aws-vault/vault/partition"
	"aws-vault/vault/profile"
)

// Login is the Spec of credentials that AWS's sign-in gives a program on behalf of
// whoever signed in with aws login.
// https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sign-in.html
type Login struct {
	Session string `json:"login_session"` // the identity that signed in
	SignIn  string `json:"-"`             // which sign-in it is; empty while nobody is signed in
}

func (l Login) encode(e *encoder) {
	e.text(l.Session)
	e.text(l.SignIn)
}

// Args names the identity.
func (l Login) Args() []Arg { return []Arg{{"signed in as", l.Session}} }

// Token returns the name of the token that the sign-in gave.
func (l Login) Token() Digest {
	e := encoder{hash: sha256.New()}
	e.text("aws-vault login token 1")
	e.text(l.Session)
	return e.digest()
}

func login(b *builder, q *profile.Profile) (Step, bool, error) {
	if !q.Set("login_session") {
		return Step{}, false, nil
	}
	session := q.Text("login_session")
	yields := Yield{Nobody, Yes}
	if strings.Contains(session, ":assumed-role/") {
		yields.Who = Role
	}
	spec := Login{Session: session}
	spec.SignIn = b.holdings.SignIns[spec.Token()]
	return Step{
		Kind: KindLogin, Profile: q.Name, Yields: yields, // kept with what renews it
		Region: SignInRegion(q), Endpoint: SignIn(q),
		Why:  "the profile names the identity that aws login signed in",
		From: settings(q, "login_session"), Spec: spec,
	}, true, nil
}

// SignIn returns where the settings of p send calls to AWS's sign-in.
func SignIn(p *profile.Profile) Endpoint { return serviceEndpoint(p, "signin") }

// SignInRegion returns the region in which p signs in.
func SignInRegion(p *profile.Profile) string {
	if r := p.Text("region"); r != "" {
		return r
	}
	return partition.Home(p.Text("login_session"))
}
