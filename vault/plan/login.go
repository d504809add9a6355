package plan

import (
	"crypto/sha256"
	"strings"

	"aws-vault/vault/profile"
)

// Login is the Spec of credentials that AWS sign-in provides after `aws login`.
// https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sign-in.html
type Login struct {
	Session string `json:"login_session"` // the identity that signed in
	SignIn  string `json:"-"`             // identifies the sign-in; empty while nobody is signed in
}

func (l Login) encode(e *encoder) {
	e.text(l.Session)
	e.text(l.SignIn)
}

// Args lists the identity.
func (l Login) Args() []Arg { return []Arg{{"signed in as", l.Session}} }

// TokenDigest returns the cache key of the sign-in's token.
func (l Login) TokenDigest() Digest {
	e := encoder{hash: sha256.New()}
	e.text("aws-vault login token 1")
	e.text(l.Session)
	return e.digest()
}

// loginSetting is the setting that the AWS CLI's command aws login writes.
const loginSetting = "login_session"

func login(b *builder, q *profile.Profile) (Step, bool, error) {
	if !q.Set(loginSetting) {
		return Step{}, false, nil
	}
	session := q.Text(loginSetting)
	yields := Yield{UnknownPrincipal, Yes}
	if strings.Contains(session, ":assumed-role/") {
		yields.Principal = Role
	}
	spec := Login{Session: session}
	spec.SignIn = b.holdings.SignIns[spec.TokenDigest()]
	return Step{
		// The step is not cacheable, because its credentials are stored with the token that renews them.
		Kind: KindLogin, Profile: q.Name, Yields: yields,
		Region: SignInRegion(q), Endpoint: SignIn(q),
		Why:      "the profile names the identity that signed in with aws login",
		Settings: settings(q, loginSetting), Spec: spec,
	}, true, nil
}

// SignIn returns the endpoint of AWS sign-in. It takes the settings of p into account.
func SignIn(p *profile.Profile) Endpoint { return serviceEndpoint(p, "signin") }

// SignInRegion returns the region in which p signs in.
func SignInRegion(p *profile.Profile) string {
	c := chain{target: p}
	return c.region(p, true, p.Text(loginSetting))
}
