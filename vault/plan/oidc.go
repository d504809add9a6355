package plan

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"aws-vault/vault/profile"
)

// OIDCRole is the Spec of a role that AWS gives to a person for the ID token with which an
// OpenID provider says who they are.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
type OIDCRole struct {
	OIDC
	ARN         string `json:"role_arn"`
	NameClaim   string `json:"role_session_name_claim,omitempty"` // names the session; empty where the profile does
	SessionName string `json:"role_session_name,omitempty"`       // empty until the claim is known
	Subject     string `json:"signed_in_as,omitempty"`            // whose token it is, by the provider; empty until known
}

// OIDC is what a person signs in to: an OpenID provider, as the user of one of its clients.
type OIDC struct {
	Session  string   `json:"oidc_session,omitempty"`
	Issuer   string   `json:"oidc_issuer"`
	Client   string   `json:"oidc_client_id"`
	Scopes   []string `json:"oidc_scopes,omitempty"`   // empty for what the provider has of openid, email and offline_access
	Audience string   `json:"oidc_audience,omitempty"` // that the token names besides; empty for the client alone
	Flow     string   `json:"oidc_flow,omitempty"`     // empty for what this machine and the provider allow
	Ports    []int    `json:"oidc_redirect_ports,omitempty"`
	CABundle string   `json:"ca_bundle,omitempty"`
}

// The ways to sign in to an OpenID provider.
const (
	FlowBrowser = "browser"
	FlowDevice  = "device"
)

// An Identity is who is signed in: the subject that the provider knows them by, and those
// claims of their ID token that are texts. Where the claims are nil, only the subject is
// known.
type Identity struct {
	Subject string
	Claims  map[string]string
}

func (o OIDC) encode(e *encoder) {
	e.text(o.Session)
	e.text(o.Issuer)
	e.text(o.Client)
	e.set(o.Scopes)
	e.text(o.Audience)
}

// Token returns the name of the token that a sign-in gives: profiles which name the same
// session share it.
func (o OIDC) Token() Digest {
	e := encoder{hash: sha256.New()}
	e.text("aws-vault OIDC token 1")
	o.encode(&e)
	return e.digest()
}

// Label is what its user knows the sign-in by: the session's name, or else the provider's
// host.
func (o OIDC) Label() string {
	if o.Session != "" {
		return o.Session
	}
	if u, err := url.Parse(o.Issuer); err == nil && u.Host != "" {
		return u.Host
	}
	return o.Issuer
}

func (r OIDCRole) encode(e *encoder) {
	r.OIDC.encode(e)
	e.text(r.ARN)
	e.text(r.NameClaim)
	e.text(r.SessionName)
	e.text(r.Subject)
	e.option("ca_bundle of the provider", r.CABundle)
}

// Args names the role, the provider and who is signed in.
func (r OIDCRole) Args() []Arg {
	name, who := r.SessionName, r.Subject
	if name == "" {
		name = "the token's " + r.NameClaim
	}
	if who == "" {
		who = "nobody yet"
	}
	return []Arg{{"role", r.ARN}, {"session name", name}, {"provider", r.Issuer}, {"client", r.Client}, {"signed in as", who}}
}

// As returns the spec with the identity put in. It fails with a [*SessionNameError] where
// the claim that is to name the session cannot.
func (r OIDCRole) As(who Identity) (OIDCRole, error) {
	r.Subject = who.Subject
	if r.NameClaim == "" {
		return r, nil
	}
	name, told := who.Claims[r.NameClaim]
	switch {
	case who.Claims == nil && r.NameClaim != subjectClaim:
		return r, nil
	case who.Claims == nil:
		name, told = who.Subject, true
	}
	e := &SessionNameError{Issuer: r.Issuer, Claim: r.NameClaim, Found: name}
	switch {
	case !told:
		e.Why = "the ID token of " + r.Issuer + " has no such text"
	case r.NameClaim == "email" && who.Claims["email_verified"] == "false":
		e.Why = "the provider has not verified it, want one that it vouches for"
	case !isSessionName(name):
		e.Why = "want 2 to 64 letters, digits or any of =,.@_+-, as AWS does"
	default:
		r.SessionName = name
		return r, nil
	}
	return r, e
}

// isSessionName takes what AWS takes as a RoleSessionName. An identity that it does not is
// neither cut nor rewritten: a trust policy compares it with the token's.
func isSessionName(name string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_=,.@+-"
	return len(name) >= 2 && len(name) <= 64 && !strings.ContainsFunc(name, func(r rune) bool { return !strings.ContainsRune(letters, r) })
}

var errNoUser = errors.New("role_session_name has ${aws:username}, want a name that stands for itself: it is no IAM user who signs in")

// subjectClaim is the claim that every ID token has.
const subjectClaim = "sub"

func oidcRole(b *builder, q *profile.Profile) (Step, bool, error) {
	if !q.Set("oidc_issuer") && !q.Set("oidc_session") {
		return Step{}, false, nil
	}
	to, err := Provider(q)
	if err != nil {
		return Step{}, false, err
	}
	if !q.Set("role_arn") {
		return Step{}, false, &MissingSettingError{Origin: q.Value("oidc_issuer").Origin, Has: "oidc_issuer", Wants: "role_arn"}
	}
	spec := OIDCRole{OIDC: to, ARN: q.Text("role_arn"), SessionName: q.Text("role_session_name"), NameClaim: q.Text("role_session_name_claim")}
	switch {
	case strings.Contains(spec.SessionName, "${"):
		return Step{}, false, &SettingError{q.Value("role_session_name").Origin, errNoUser}
	case spec.SessionName != "":
		spec.NameClaim = ""
	case spec.NameClaim == "":
		spec.NameClaim = subjectClaim
	}
	if who, held := b.holdings.Identities[to.Token()]; held {
		if spec, err = spec.As(who); err != nil {
			return Step{}, false, err
		}
	}
	s := Step{
		Kind: KindOIDC, Profile: q.Name, Spec: spec,
		Why: "the ID token of whoever is signed in is exchanged for the role beside it",
		From: settings(q, "oidc_session", "oidc_issuer", "oidc_client_id", "oidc_scopes", "oidc_audience", "oidc_flow", "oidc_redirect_port", "oidc_redirect_ports",
			"role_arn", "role_session_name", "role_session_name_claim", "session_policy", "session_policy_arns", "duration_seconds"),
	}
	err = b.exchanged(&s, q, spec.ARN)
	return s, err == nil, err
}

// Provider returns what the settings of p say to sign in to. It fails with a
// [*MissingSettingError] for half of that, and with a [*NoProviderError] for settings that
// name no provider.
func Provider(p *profile.Profile) (OIDC, error) {
	missing := func(has, wants string) (OIDC, error) {
		return OIDC{}, &MissingSettingError{Origin: p.Value(has).Origin, Has: has, Wants: wants}
	}
	switch {
	case !p.Set("oidc_issuer") && !p.Set("oidc_session"):
		return OIDC{}, &NoProviderError{Profile: p.Name}
	case !p.Set("oidc_issuer"):
		return missing("oidc_session", "oidc_issuer")
	case !p.Set("oidc_client_id"):
		return missing("oidc_issuer", "oidc_client_id")
	}
	o := OIDC{
		Session: p.Text("oidc_session"), Issuer: p.Text("oidc_issuer"), Client: p.Text("oidc_client_id"), Audience: p.Text("oidc_audience"),
		Flow: p.Text("oidc_flow"), CABundle: p.Text("ca_bundle"),
	}
	for _, entry := range p.List("oidc_scopes") {
		o.Scopes = append(o.Scopes, strings.Fields(entry)...)
	}
	ports := p.List("oidc_redirect_ports")
	if len(ports) == 0 {
		ports = p.List("oidc_redirect_port")
	}
	for _, text := range ports {
		if n, err := strconv.Atoi(text); err == nil { // as was checked
			o.Ports = append(o.Ports, n)
		}
	}
	return o, nil
}

// NoProviderError is returned for a profile or a session that names no OpenID provider to
// sign in to.
type NoProviderError struct{ Profile string }

func (e *NoProviderError) Error() string {
	return fmt.Sprintf("profile %q names no OpenID provider, want oidc_session or oidc_issuer", e.Profile)
}

// SessionNameError is returned where the claim that is to name a role session cannot, as
// it stands: only the whole of it is what a trust policy compares.
type SessionNameError struct {
	Issuer string
	Claim  string
	Found  string // empty for none
	Why    string // it cannot
}

func (e *SessionNameError) Error() string {
	found := "nothing"
	if e.Found != "" {
		found = strconv.Quote(e.Found[:min(len(e.Found), 100)])
	}
	return fmt.Sprintf("the claim %s, which is to name the role session, is %s: %s", e.Claim, found, e.Why)
}
