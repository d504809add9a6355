package plan

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"aws-vault/vault/printable"
	"aws-vault/vault/profile"
)

// OIDCRole is the Spec of a role that AWS grants to a user for the ID token of an OpenID Connect
// (OIDC) provider.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
type OIDCRole struct {
	OIDC
	ARN string `json:"role_arn"`
	// the claim that becomes the session name; empty if the profile sets the name
	NameClaim   string `json:"role_session_name_claim,omitempty"`
	SessionName string `json:"role_session_name,omitempty"` // empty until the value of the claim is known
	Subject     string `json:"signed_in_as,omitempty"`      // the subject of the token; empty until it is known
}

// OIDC describes a sign-in to an OIDC provider with one of its clients.
type OIDC struct {
	Session string `json:"oidc_session,omitempty"`
	Issuer  string `json:"oidc_issuer"`
	Client  string `json:"oidc_client_id"`
	// the scopes to request; if empty, the default scopes openid, email and offline_access, without those that the
	// provider does not support
	Scopes []string `json:"oidc_scopes,omitempty"`
	// an additional audience of the token; if empty, the client is the only audience
	Audience string `json:"oidc_audience,omitempty"`
	Flow     string `json:"oidc_flow,omitempty"` // if empty, a flow that this machine and the provider support is used
	Ports    []int  `json:"oidc_redirect_ports,omitempty"`
	CABundle string `json:"ca_bundle,omitempty"`
}

// The ways to sign in to an OIDC provider.
const (
	FlowBrowser = "browser"
	FlowDevice  = "device"
)

// An Identity describes the user who is signed in. Claims has the claims of the ID token whose values are strings.
// If Claims is nil, only the subject is known.
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

// TokenDigest returns the cache key of the sign-in's token. Profiles that name the same
// oidc-session share the token.
func (o OIDC) TokenDigest() Digest {
	e := encoder{hash: sha256.New()}
	e.text("aws-vault OIDC token 1")
	o.encode(&e)
	return e.digest()
}

// Label returns the name of the sign-in for messages: the session's name, or the host of the
// provider.
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

// Args lists the role, the provider and the user who is signed in.
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

// WithIdentity returns the spec with the subject and the session name filled in. It fails with a
// [*SessionNameError] if the claim cannot be used as the session name.
func (r OIDCRole) WithIdentity(who Identity) (OIDCRole, error) {
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
		e.Why = "the ID token of " + r.Issuer + " does not contain this claim as text"
	case r.NameClaim == "email" && who.Claims["email_verified"] == "false":
		e.Why = "the provider has not verified this email address"
	case !isSessionName(name):
		e.Why = "AWS accepts 2 to 64 letters, digits or any of =,.@_+-"
	default:
		r.SessionName = name
		return r, nil
	}
	return r, e
}

// isSessionName reports whether AWS accepts name as a RoleSessionName. A name that AWS refuses is
// neither shortened nor rewritten, because trust policies compare it with the claim of the token.
func isSessionName(name string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_=,.@+-"
	return len(name) >= 2 && len(name) <= 64 && !strings.ContainsFunc(name, func(r rune) bool { return !strings.ContainsRune(letters, r) })
}

var errUserNameVariable = errors.New("role_session_name contains ${aws:username}, but no IAM user assumes this role, expected a fixed name")

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
		return Step{}, false, missingSetting(q, "oidc_issuer", "role_arn")
	}
	spec := OIDCRole{OIDC: to, ARN: q.Text("role_arn"), SessionName: q.Text("role_session_name"), NameClaim: q.Text("role_session_name_claim")}
	switch {
	case strings.Contains(spec.SessionName, "${"):
		return Step{}, false, &SettingError{q.Value("role_session_name").Origin, errUserNameVariable}
	case spec.SessionName != "":
		spec.NameClaim = ""
	case spec.NameClaim == "":
		spec.NameClaim = subjectClaim
	}
	if who, held := b.holdings.Identities[to.TokenDigest()]; held {
		if spec, err = spec.WithIdentity(who); err != nil {
			return Step{}, false, err
		}
	}
	s := Step{
		Kind: KindOIDC, Profile: q.Name, Spec: spec,
		Why: "the ID token of your sign-in is exchanged for the profile's role_arn",
		Settings: settings(q, "oidc_session", "oidc_issuer", "oidc_client_id", "oidc_scopes", "oidc_audience", "oidc_flow", "oidc_redirect_port", "oidc_redirect_ports",
			"role_arn", "role_session_name", "role_session_name_claim", "session_policy", "session_policy_arns", "duration_seconds"),
	}
	err = b.completeTokenStep(&s, q, spec.ARN)
	return s, err == nil, err
}

// Provider returns the OIDC sign-in that the settings of p describe. It fails with a
// [*MissingSettingError] if a setting is missing, and with a [*NoProviderError] if the settings
// name no provider.
func Provider(p *profile.Profile) (OIDC, error) {
	missing := func(has, wants string) (OIDC, error) {
		return OIDC{}, missingSetting(p, has, wants)
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
		Session: p.Text("oidc_session"), Issuer: printable.URL(p.Text("oidc_issuer")), Client: p.Text("oidc_client_id"), Audience: p.Text("oidc_audience"),
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
		if n, err := strconv.Atoi(text); err == nil { // err is always nil: package profile has checked the port
			o.Ports = append(o.Ports, n)
		}
	}
	return o, nil
}

// NoProviderError reports a profile or session that names no OIDC provider.
type NoProviderError struct{ Profile string }

func (e *NoProviderError) Error() string {
	return fmt.Sprintf("profile %s names no OIDC provider, expected oidc_session or oidc_issuer", printable.Quote(e.Profile))
}

// SessionNameError reports that a claim cannot be used as a role session name. The claim must be
// used unchanged, because trust policies compare the claim with the session name.
type SessionNameError struct {
	Issuer string
	Claim  string
	Found  string // the value of the claim; empty if the token does not have the claim
	Why    string // why the claim cannot be used
}

func (e *SessionNameError) Error() string {
	found := "missing"
	if e.Found != "" {
		found = strconv.Quote(e.Found[:min(len(e.Found), 100)])
	}
	return fmt.Sprintf("the claim %s is %s, which cannot be the role session name: %s", e.Claim, found, e.Why)
}
